"""What a command costs this process in CPU, beside redis-py's own client: `python -m tests.state.cost`.

Best of three rounds, uvloop, Redis on loopback; `n at once` is as many tasks as ask one after the other.
"""

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable

import uvloop
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bff.state.redis import redis_store
from bff.state.store import Script
from bff.state_settings import StateSettings
from tests.redis_server import redis_server

COMMANDS = 20_000
COUNT = Script("count", "return {redis.call('INCRBY', KEYS[1], ARGV[1])}")


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(ask: Callable[[str], Awaitable[object]], at_once: int) -> float:
    async def some(number: int) -> None:
        for _ in range(COMMANDS // at_once):
            await ask(f"thali:{number}")

    rounds: list[float] = []
    for _ in range(3):
        began = cpu()
        await asyncio.gather(*(some(number) for number in range(at_once)))
        rounds.append((cpu() - began) / COMMANDS * 1e6)
    return min(rounds)


async def main() -> None:
    async with redis_server() as server:
        store = redis_store(StateSettings(url=server.url, timeout=5.0))
        await store.start()
        client = Redis(port=server.port, retry=Retry(NoBackoff(), 0))
        ways: dict[str, Callable[[str], Awaitable[object]]] = {
            "get": store.get,
            "run": lambda key: store.run(COUNT, f"n:{key}", [1]),
            "redis-py get": client.get,
        }
        for at_once in (1, 8, 32):
            for name, ask in ways.items():
                sys.stdout.write(f"{at_once:3} at once  {name:13} {await measure(ask, at_once):6.1f} us\n")
        await client.aclose()
        await store.close()


if __name__ == "__main__":
    uvloop.run(main())
