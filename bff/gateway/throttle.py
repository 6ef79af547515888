"""Holds requests over a soft limit back until it is their turn: in order, a bounded number, for a bounded time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from bff.deadline import LOOP_CLOCK, Clock, sleep
from bff.limit_settings import RateLimitSettings
from bff.state.limits_policy import Policy, Verdict

# Seconds between two looks at least: a wait of no length would be a turn of the loop that nothing ends.
_SHORTEST = 0.001


class Throttle:
    """One policy's lines, one for each key. `waiting` are held back now."""

    def __init__(self, policy: Policy, settings: RateLimitSettings, clock: Clock = LOOP_CLOCK) -> None:
        self.waiting = 0
        self._policy, self._clock = policy, clock
        self._max_wait, self._most = settings.max_wait, settings.queue
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    def has_line(self, key: str) -> bool:
        """Whether somebody waits for this key already: who comes now must stand behind."""
        return key in self._lines

    async def turn(
        self, key: str, take: Callable[[], Awaitable[Verdict]], refused: Verdict | None, budget: float | None, cost: int = 1
    ) -> Verdict:
        """Wait for room and `take` it; the refusal, if the line is full or its turn would come after `max_wait` or `budget`.

        `refused` is what `take` said just now, when it was asked; `cost` is what it takes, and about what those ahead take.
        Whose task is cancelled leaves the line.
        """
        patience = self._max_wait if budget is None else min(self._max_wait, budget)
        line = self._lines.get(key)
        ahead = len(line) if line is not None else 0
        expected = (ahead + 1) * cost * self._policy.window / self._policy.limit if line is not None else 0.0
        if refused is not None:
            expected = max(expected, refused.retry_after)
        if self.waiting >= self._most or expected > patience:
            return refused or Verdict(self._policy, False, 0, expected, expected)
        if line is None:
            line = self._lines[key] = deque()
        until = self._clock.now() + patience
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(place)
        self.waiting += 1
        timer = self._clock.call_at(until, _wake, place)
        try:
            if ahead:
                await place
                refused = None  # that was long ago
            return await self._in_front(line, place, take, refused, until)
        finally:
            timer.cancel()
            self._leave(key, line, place)

    async def _in_front(
        self,
        line: "deque[asyncio.Future[None]]",
        place: "asyncio.Future[None]",
        take: Callable[[], Awaitable[Verdict]],
        verdict: Verdict | None,
        until: float,
    ) -> Verdict:
        """Take as soon as there is room. Who is woken by its time instead of its turn is refused."""
        if line[0] is not place:
            wait = len(line) * self._policy.window / self._policy.limit
            return Verdict(self._policy, False, 0, wait, wait)
        if verdict is None:
            verdict = await take()
        while not verdict.allowed:
            left = until - self._clock.now()
            if verdict.retry_after > left:
                return verdict
            await sleep(max(_SHORTEST, verdict.retry_after), self._clock)
            verdict = await take()
        return verdict

    def _leave(self, key: str, line: "deque[asyncio.Future[None]]", place: "asyncio.Future[None]") -> None:
        self.waiting -= 1
        line.remove(place)
        if line:
            _wake(line[0])
        else:
            del self._lines[key]


def _wake(place: "asyncio.Future[None]") -> None:
    if not place.done():
        place.set_result(None)
