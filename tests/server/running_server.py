"""A real `bff serve` in a process of its own, as the tests of bff/server drive it."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import httpx

from bff.server.options import ServeOptions

# Whatever a test waits for comes within this or never; generous, for the machine may be busy.
PATIENCE = 90.0

_START = (
    "import sys, json\n"
    "from bff.server.leaving import leave\n"
    "from bff.server.options import ServeOptions\n"
    "from bff.server.supervisor import run\n"
    "leave(run(ServeOptions(**json.loads(sys.argv[1]))))\n"
)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Running:
    """The process, what it said so far, and where it listens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._more = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def said(self, text: str, times: int = 1) -> str:
        """The line with `text` in it, once it has been said `times` times."""

        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        async with asyncio.timeout(PATIENCE), self._more:
            await self._more.wait_for(lambda: len(found()) >= times or self._reading.done())
        assert len(found()) >= times, f"never said {text!r}: {self.lines}"
        return found()[times - 1]

    async def ready(self) -> None:
        await self.listening()
        await self.said("ready on")

    async def listening(self) -> None:
        """Until then signals kill it as they would any process."""
        line = await self.said("starting ")
        self.public, self.admin = re.findall(r"http://[\d.:]+", line)

    @property
    def faults(self) -> list[str]:
        """What it said beside where it starts."""
        return [line for line in self.lines if not line.startswith("starting ")]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            await self._reading
            return await self.process.wait()

    async def get(self, url: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            return await client.get(url, headers=headers)

    async def states(self) -> dict[int, str]:
        """The workers and their states, as /readyz tells them."""
        told = (await self.get(self.admin + "/readyz")).json()
        return {worker["pid"]: worker["state"] for worker in told["workers"]}

    async def until(self, holds: Callable[[dict[int, str]], bool]) -> dict[int, str]:
        """The states once they are as wanted; asks again and again, for the admin port has no way to be told."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if holds(states := await self.states()):
                    return states
                await asyncio.sleep(0.02)

    async def stats_in_flight(self) -> dict[str, Any]:
        """/stats once a request is in flight; asks again and again, as `until` does."""
        async with asyncio.timeout(PATIENCE):
            while True:
                stats: dict[str, Any] = (await self.get(self.admin + "/stats")).json()
                if stats["totals"]["in_flight"]:
                    return stats
                await asyncio.sleep(0.02)

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._more:
                self.lines.append(line.decode().rstrip())
                self._more.notify_all()
        async with self._more:
            self._more.notify_all()


@asynccontextmanager
async def serving(
    options: ServeOptions, environment: Mapping[str, str] | None = None, *, started: bool = True
) -> AsyncIterator[Running]:
    """Run `bff serve` inside the block; with `started`, from the moment it is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _START, json.dumps(asdict(options)),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    running = Running(process)
    try:
        if started:
            await running.ready()
        yield running
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await running.ended()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise


@asynccontextmanager
async def connected(server: Running) -> AsyncIterator[Streams]:
    """A bare connection to the public port."""
    address = urlsplit(server.public)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def options(factory: str = "make", **changed: Any) -> ServeOptions:
    """A server of tests/server/app.py on free ports that stops at once, unless told otherwise."""
    name = factory if ":" in factory else f"tests.server.app:{factory}"
    return ServeOptions(**{"factory": name, "port": 0, "admin_port": 0, "drain": 0.0, **changed})
