"""The layer that sends again what failed for a moment: seldom, only what may be repeated, and never past its deadline.

It stands inside the breaker, which counts a call once, after its last attempt, and outside the bulkhead, so that a wait
between two attempts holds no place.
"""

import random
from collections.abc import Callable, Coroutine
from typing import Any, Final

from bff.deadline import LOOP_CLOCK, Clock, sleep
from bff.errors import BackendBusy, BackendError, BackendUnreachable
from bff.service_settings import ServiceSettings
from bff.upstream.budget import Budget
from bff.upstream.call import Call, Reply, Sender
from bff.upstream.hedge import Hedge, Outcome, once_more
from bff.upstream.retry_after import retry_after
from bff.upstream.stats import ServiceStats, is_open

# Whoever stands before the service could not reach it, it is overloaded, or it took too long for them: all may pass. A
# 500 is a bug, which a second attempt meets again.
_PASSING: Final = frozenset({502, 503, 504})
_TOO_MANY: Final = 429
MAY_PASS: Final = _PASSING | {_TOO_MANY}
# A backend's `Retry-After` is waited for when it takes no more than this share of what is left: the answer needs the rest.
_WAIT_SHARE: Final = 0.5


class Retry:
    """Attempts of one service's calls. `draw` gives numbers from 0 to 1 for the jitter.

    Sent again are repeatable calls that met no connection, one that broke before the first byte of an answer, 502, 503
    or 504, or a 429 that says when to come back; on another instance where there is one (the balancer sees to that).
    Not once the breaker has opened, not while it tries the service, not without budget, and not when less time would be
    left than half of its calls take. What the last attempt brought is what the caller gets, as it came.

    `send` is `first`, and `again` if that failed in a way that may pass: BackendUnreachable, or a status of MAY_PASS.
    Whoever waits above in a frame of its own calls those two; then a call that goes well has no frame here.
    """

    __slots__ = ("_attempts", "_budget", "_clock", "_draw", "_hedge", "_inner", "_settings", "_stats")

    def __init__(
        self,
        service: str,
        inner: Sender,
        settings: ServiceSettings,
        stats: ServiceStats,
        *,
        clock: Clock = LOOP_CLOCK,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._inner, self._settings, self._stats, self._clock, self._draw = inner, settings.retry, stats, clock, draw
        self._attempts = settings.retry.attempts
        self._budget = Budget(settings.retry.budget, settings.retry.budget_floor, clock.now())
        self._hedge = Hedge(inner, settings.hedge, stats, self._budget, clock)

    async def send(self, call: Call) -> Reply:
        try:
            reply = await self.first(call, self._clock.now())
        except BackendUnreachable as error:
            return await self.again(call, error)
        return await self.again(call, reply) if reply.status in MAY_PASS else reply

    def first(self, call: Call, now: float) -> Coroutine[Any, Any, Reply]:
        """The first attempt; of a call that is hedged, all of them."""
        self._budget.earn(now)
        if call.policy.hedge and self._is_hedged(call):
            return self._hedged(call)
        return self._inner.send(call)

    def again(self, call: Call, last: Outcome) -> Coroutine[Any, Any, Reply]:
        """What the attempts after the first one bring, or `last`, which that one brought, if there is to be none."""
        return self._again(call, last, self._attempts if self._is_hedged(call) else 1)

    async def close(self) -> None:
        await self._inner.close()

    def _is_hedged(self, call: Call) -> bool:
        return call.policy.hedge and call.policy.retry is not False and call.repeatable and not call.trial

    async def _hedged(self, call: Call) -> Reply:
        return await self._again(call, *await self._hedge.send(call))

    async def _again(self, call: Call, last: Outcome, sent: int) -> Reply:
        """What the attempts after those bring, or `last` if there is to be none."""
        while (wait := self._worth(call, last, sent)) is not None:
            await self._pause(wait)
            if is_open(self._stats):
                break
            self._stats.retries += 1
            try:
                last = await self._inner.send(once_more(call, "retry", sent))
            except BackendBusy:
                break  # it was not sent: what the one before it met is what went wrong
            except BackendError as error:
                last = error
            sent += 1
        if isinstance(last, BackendError):
            try:
                raise last
            finally:
                del last  # its traceback has this frame: a circle for each failure, in a worker that seldom looks for them
        return last

    def _worth(self, call: Call, last: Outcome, sent: int) -> float | None:
        """How many seconds to wait before another attempt; None when there is to be none."""
        if call.trial or not call.repeatable or call.policy.retry is False or sent >= self._attempts or is_open(self._stats):
            return None
        after: float | None = None
        if isinstance(last, BackendError):
            passing = isinstance(last, BackendUnreachable) and not (last.begun or last.ours)
        else:
            after = retry_after(last)
            passing = last.status in _PASSING or (last.status == _TOO_MANY and after is not None)
        if not passing:
            return None
        left = call.deadline.left()
        if after is not None and after > left * _WAIT_SHARE:
            return None  # the caller is told when to come back
        # Full jitter (AWS): callers that failed together do not come back together.
        wait = self._draw() * min(self._settings.backoff * 2.0 ** (sent - 1), self._settings.backoff_max)
        if after is not None:
            wait = max(wait, after)
        now = self._clock.now()
        if left - wait <= (self._stats.latency.quantile(0.5, now) or 0.0):
            return None
        if not self._budget.spend(now):
            self._stats.budget_refused += 1
            return None
        return wait

    async def _pause(self, seconds: float) -> None:
        """Never less than that: uvloop's timers may ring a millisecond early, and a backend has said when it is ready."""
        until = self._clock.now() + seconds
        while self._clock.now() < until:
            await sleep(until - self._clock.now(), self._clock)
