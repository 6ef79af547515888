"""Limiters over one real Redis whose clock the test runs by hand, and what several of them let in together."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from bff.state.limiter import Limiter
from bff.state.limits_fleet import Fleet
from bff.state.limits_lua import CLOCK
from bff.state.limits_policy import Charge, Policy
from bff.state.redis import RedisStore, redis_store
from bff.state.store import Script, StateUnavailable
from bff.state_settings import StateSettings
from bff.testing import ManualClock
from tests.redis_server import RedisServer

# No part of what a test shows, and never met but on a machine that stands still.
PATIENT = 10.0


class ClockedScripts:
    """Scripts on a real Redis, told the test's time in the place of its own. `runs` counts them; `down`: it is away."""

    def __init__(self, client: Redis, now: Callable[[], float]) -> None:
        self._client, self._now = client, now
        self.runs = 0
        self.down = False

    async def run(self, script: Script, key: str, arguments: Sequence[int | float | str]) -> list[int | bytes]:
        if self.down:
            raise StateUnavailable("away")
        self.runs += 1
        assert CLOCK in script.text
        text = script.text.replace(CLOCK, "local now = tonumber(ARGV[#ARGV])\n")
        assert "/ 1000)" in text
        text = text.replace("/ 1000)", "* 1000)")  # keys go by the machine's time, which may run faster than the test's
        told = await self._client.eval(text, 1, key, *arguments, round(self._now() * 1_000_000))
        assert isinstance(told, list)
        return told


class Instances:
    """Limiters that share `scripts`, each with a clock of its own (`skews` seconds apart), which all run with `clock`."""

    def __init__(self, scripts: ClockedScripts, clock: ManualClock, skews: Sequence[float] = (0.0, 0.0, 0.0)) -> None:
        self.scripts, self.clock = scripts, clock
        self.fleets = [Fleet(scripts, clock) for _ in skews]
        self.all = [
            Limiter(scripts, fleet, lambda skew=skew: clock.now() + skew)  # type: ignore[misc] # a default binds it now
            for fleet, skew in zip(self.fleets, skews, strict=True)
        ]

    async def meet(self) -> None:
        """Until each knows how many there are."""
        for fleet in self.fleets * 2:
            await fleet.beat()

    async def offer(self, policy: Policy, seconds: float, each_second: int, at: list[float] | None = None) -> int:
        """That many requests a second for one key, to one instance after the other; how many were let in (and when)."""
        let_in, begun = 0, self.clock.now()
        for number in range(round(seconds * each_second)):
            await step(self.clock, begun + number / each_second)
            if (await self.all[number % len(self.all)].charge([Charge(policy, policy.name)]))[0].allowed:
                let_in += 1
                if at is not None:
                    at.append(self.clock.now())
        return let_in


async def step(clock: ManualClock, to: float) -> None:
    """Set the clock, on which no timer runs: its own `advance` would rest fifty turns each time."""
    clock._now = to


@asynccontextmanager
async def instances(server: RedisServer, skews: Sequence[float] = (0.0, 0.0, 0.0)) -> AsyncIterator[Instances]:
    await server.command("FLUSHALL")
    clock = ManualClock(1_780_000_000.0)
    async with Redis(port=server.port) as client:
        yield Instances(ClockedScripts(client, clock.now), clock, skews)


@asynccontextmanager
async def stores(server: RedisServer, number: int = 3, patience: float = PATIENT) -> AsyncIterator[list[RedisStore]]:
    """Connections to it as the gateway makes them."""
    made = [redis_store(StateSettings(url=server.url, timeout=patience)) for _ in range(number)]
    try:
        for store in made:
            await store.start()
        yield made
    finally:
        for store in made:
            await store.close()


def greatest(at: Sequence[float], window: float) -> int:
    """The most that any window had, wherever it begins."""
    most, first = 0, 0
    for last, moment in enumerate(at):
        while moment - at[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most
