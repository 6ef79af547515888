"""Leaves a service alone that fails, and does not send what cannot be answered in time; counts each call, once.

It stands outside the retries: a call is judged by what came of it in the end, and one that is refused here is not tried
again.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Coroutine
from math import ceil, inf
from typing import Any, Final

from pybreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerListener, CircuitBreakerState

from bff.deadline import LOOP_CLOCK, Clock
from bff.errors import BackendUnreachable, BreakerOpen, Hopeless
from bff.service_settings import ServiceSettings
from bff.upstream.call import Call, Reply, Sender
from bff.upstream.circuit import Circuit
from bff.upstream.hedge import Outcome
from bff.upstream.latency import BOUNDS
from bff.upstream.retry import MAY_PASS, Retry
from bff.upstream.stats import BreakerState, ServiceStats
from bff.upstream.verdict import Verdict, of_error, of_reply, of_time

# Seconds between looks at the median: it sums 42 counters, and does not move much faster than this.
_LOOK: Final = 1.0
# Seconds for which calls are held back as hopeless before one of them goes and sees. The median is of what was answered:
# if only calls with much time were while the service was ill, it would keep all others out for as long as those go on.
_SEE: Final = 5.0

# A timeout tells of a service that it is ill only if the call had the time in which nearly all of its calls are done: the
# client sets budgets (`Request-Timeout`), and a few of 20 ms must not keep everybody from a service that takes 30.
_NEARLY_ALL: Final = 0.9
# Of the longest time that a call has had, this is all of it, whatever the quantile says: where answers take nearly all that
# they are given, those that do not come must tell. A client can only ask for less than our own settings give.
_ALL: Final = 0.9
# What is time enough while too few calls are known: more than a healthy service inside a data centre takes.
_UNKNOWN: Final = 0.1

_SHOWN: Final[dict[str, BreakerState]] = {"closed": "closed", "open": "open", "half-open": "half_open"}  # by pybreaker's names


class Breaker:
    """Raises Hopeless or BreakerOpen at once in place of sending; whatever else ends a call passes through as it is."""

    __slots__ = (
        "_circuit",
        "_doubted",
        "_half",
        "_inner",
        "_longest",
        "_look_at",
        "_now",
        "_retry",
        "_see_at",
        "_service",
        "_settings",
        "_slow_after",
        "_stats",
    )

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
        self._service, self._inner, self._settings, self._stats = service, inner, settings, stats
        # Retry needs a frame above its first attempt, and this one will do: a coroutine less a call, and its 23 bytecodes.
        self._retry = inner if isinstance(inner, Retry) else _Once(inner)
        self._now = clock.now
        self._slow_after = settings.breaker.slow_after or inf
        self._look_at = 0.0
        self._half = -inf  # half of the service's recent calls, or more, took longer
        self._doubted = False  # a call that had less was answered, and none has timed out since
        self._see_at = inf  # when one that has less goes nevertheless; inf while none has been held back
        self._longest = 0.0  # that a call has had to end in
        self._circuit: Circuit | None = None
        if settings.breaker.on:
            self._circuit = Circuit(service, settings.breaker, settings.timeout, clock.now, draw, _Shown(stats))
        stats.breaker = "closed" if settings.breaker.on else "off"

    async def send(self, call: Call) -> Reply:
        began, stats, circuit = self._now(), self._stats, self._circuit
        if began >= self._look_at:
            self._look(began)
        had = call.deadline.at - began
        if had > self._longest:
            self._longest = had
        if had < self._half and not self._doubted and not self._sees(began):
            stats.hopeless += 1
            raise Hopeless(self._service, f"half of its calls take over {self._half:g} s, {had:.3f} s left")
        permit = 0 if circuit is None else circuit.permit or self._try(circuit, call, began)
        try:
            try:
                reply = await self._retry.first(call, began)
            except BackendUnreachable as error:
                reply = await self._retry.again(call, error)
            else:
                if reply.status in MAY_PASS:
                    reply = await self._retry.again(call, reply)
        except BaseException as error:
            self._not_good(permit, error, began, had)
            raise
        if reply.status >= 400:  # all others are good (verdict.py)
            self._not_good(permit, reply, began, had)
            return reply
        ended = self._now()
        took = ended - began
        stats.good += 1
        stats.latency.add(took, ended)
        if had < self._half:
            self._doubted = True
        if circuit is not None:
            if took > self._slow_after:
                circuit.settle(permit, "good", True, ended)
            else:
                circuit.good(permit, ended)
        return reply

    async def close(self) -> None:
        await self._inner.close()

    def _try(self, circuit: Circuit, call: Call, now: float) -> int:
        try:
            permit = circuit.admit(now, call.deadline.at)
        except CircuitBreakerError as refused:
            self._stats.breaker_refused += 1
            # In tenths and never early: clients see it, and sections that are refused together tell the same.
            after = ceil(circuit.retry_after(now) * 10) / 10
            raise BreakerOpen(self._service, str(refused), retry_after=after) from refused
        call.trial = True
        return permit

    def _sees(self, now: float) -> bool:
        """Whether a call that should be held back goes and sees: one each time that others were for long enough."""
        if now >= self._see_at:
            self._see_at = inf
            return True
        if self._see_at == inf:
            self._see_at = now + _SEE
        return False

    def _out_of_time(self, had: float) -> Verdict:
        if had < self._half:
            self._doubted = False
        return "neutral" if had < self._stats.enough else "bad"

    def _not_good(self, permit: int, end: Reply | BaseException, began: float, had: float) -> None:
        """Count a call that was bad, or tells nothing."""
        stats, ended = self._stats, self._now()
        verdict = of_reply(end) if isinstance(end, Reply) else of_error(end)
        if verdict == "bad" and of_time(end):
            verdict = self._out_of_time(had)
        if verdict == "bad" or isinstance(end, Reply):
            stats.latency.add_failed(ended - began)
        if verdict == "good":
            stats.good += 1
        elif verdict == "bad":
            stats.bad += 1
        else:
            stats.neutral += 1
        if self._circuit is not None:
            self._circuit.settle(permit, verdict, False, ended)

    def _look(self, now: float) -> None:
        """Ask how long half of the recent calls take, and nearly all.

        Of the half, the bucket's lower bound is taken and no value inside it: where all calls take a little under what
        they are given, a guess a little above would keep every one of them out. And it is forgotten after a minute
        without an answer, so that calls that were all too short for a service see again when it has become quicker.
        """
        self._look_at = now + _LOOK
        latency = self._stats.latency
        half, nearly_all = latency.quantile(0.5, now), latency.quantile(_NEARLY_ALL, now)
        self._half = _under(half) if half is not None and self._settings.skip_hopeless else -inf
        if nearly_all is None:
            self._stats.enough = min(_UNKNOWN, self._settings.timeout / 2)
        else:
            self._stats.enough = min(nearly_all, _ALL * self._longest)


def _under(seconds: float) -> float:
    """The lower bound of the bucket that it is in."""
    place = bisect_left(BOUNDS, seconds)
    return BOUNDS[place - 1] if place else 0.0


class _Once:
    """Of a layer that is no Retry: what it brings is what there is."""

    def __init__(self, inner: Sender) -> None:
        self._inner = inner

    def first(self, call: Call, now: float) -> Coroutine[Any, Any, Reply]:
        return self._inner.send(call)

    async def again(self, call: Call, last: Outcome) -> Reply:
        if isinstance(last, Reply):
            return last
        try:
            raise last
        finally:
            del last  # its traceback has this frame: a circle for each failure


class _Shown(CircuitBreakerListener):
    """Tells everyone who reads the service's record how its breaker stands."""

    def __init__(self, stats: ServiceStats) -> None:
        self._stats = stats

    def state_change(self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState) -> None:
        self._stats.breaker = _SHOWN[new_state.name]
        if self._stats.breaker == "open":
            self._stats.breaker_opened += 1
