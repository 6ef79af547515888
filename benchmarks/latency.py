"""W5's load: screens at a fixed rate whatever the answers do (open loop), and how long each took."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp
import uvloop

from benchmarks.systems import Request

RATE = 50.0  # screens a second: low enough that nothing queues, so what is left is the system's own time


def run_open_loop(request: Request, port: int, seconds: float) -> list[float]:
    """The time of each answer in seconds, from the moment its request left.

    The rate is held whatever the answers do, so a slow answer never keeps the next request back.
    """
    return uvloop.run(_run(request, port, seconds))


async def _run(request: Request, port: int, seconds: float) -> list[float]:
    took: list[float] = []
    url = f"http://127.0.0.1:{port}{request.path}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask() -> None:
            sent = time.monotonic()
            async with session.request(request.method, url, headers=dict(request.headers), data=request.body or None) as answer:
                await answer.read()
                answer.raise_for_status()
            took.append(time.monotonic() - sent)

        for _ in range(5):  # opens the connections; not counted
            await asyncio.gather(*(ask() for _ in range(4)))
        took.clear()
        start = time.monotonic()
        async with asyncio.TaskGroup() as running:
            for n in range(int(seconds * RATE)):
                await asyncio.sleep(start + n / RATE - time.monotonic())
                running.create_task(ask())
    return took


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: a value that was really seen."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]
