"""A clock that tests run by hand: timeouts of seconds pass in microseconds, and always in the same order."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

from bff.deadline import Timer, sleep

T = TypeVar("T")

# Turns of the loop after which work that waits for nothing outside the process has come to rest. A section's way from
# call to value takes fewer than ten; a batch adds four.
_TURNS = 50


class _Timer:
    def __init__(self, callback: Callable[..., object], args: tuple[object, ...]) -> None:
        self._callback, self._args = callback, args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def fire(self) -> None:
        if not self.cancelled:
            self._callback(*self._args)


class ManualClock:
    """Stands still until `advance` is called, or runs on by itself under `drive`."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start
        self._timers: list[tuple[float, int, _Timer]] = []
        self._order = count()

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Timer:
        timer = _Timer(callback, args)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        """What a slow fake awaits."""
        await sleep(seconds, self)

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, timer by timer, and what they set off come to rest."""
        end = self._now + seconds
        await _rest()
        while self._timers and self._timers[0][0] <= end:
            await self._fire_next()
        self._now = end

    async def drive(self, work: Awaitable[T]) -> T:
        """Await `work`, jumping to the next timer whenever nothing else can go on."""
        task = asyncio.ensure_future(work)
        try:
            await _rest()
            while not task.done():
                if not self._timers:
                    raise AssertionError("the work waits for something that no timer of this clock will end")
                await self._fire_next()
            return task.result()
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _fire_next(self) -> None:
        when, _, timer = heapq.heappop(self._timers)
        self._now = max(self._now, when)
        timer.fire()
        if not timer.cancelled:
            await _rest()


async def _rest() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)  # one turn of the loop, no time
