"""Caps what one service may hold of us: so many calls in flight, a few waiting for a moment, everyone else told at once.

A place is held from before the first byte is sent until the answer's body is whole.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from bff.deadline import LOOP_CLOCK, Clock
from bff.errors import BackendBusy, BackendTimeout
from bff.service_settings import ServiceSettings
from bff.upstream.call import Call, Reply, Sender
from bff.upstream.gradient import Gradient
from bff.upstream.stats import ServiceStats
from bff.upstream.verdict import of_reply

# Of what a call has left, at most this share is spent waiting for a place: the rest must do for the call itself.
_WAIT_SHARE: Final = 0.25


class Counting(Sender, Protocol):
    """What a bulkhead stands before: it counts each call in the service's `in_flight` from the first step of `send` to its
    end, however it ends, and calls `freed` then if calls are `queued`. (So the places need no frame of their own.)
    """

    freed: Callable[[], None]


class Bulkhead:
    """Raises BackendBusy in place of sending when no place is free and none becomes free in time.

    The place is looked for as `send` is called and taken as what it gives is awaited: do both in one line.
    `max_in_flight` is what this worker may have in flight, when that is another number than the service's setting.
    """

    __slots__ = ("_clock", "_gradient", "_inner", "_queue", "_service", "_settings", "_stats")

    def __init__(
        self,
        service: str,
        inner: Counting,
        settings: ServiceSettings,
        stats: ServiceStats,
        *,
        clock: Clock = LOOP_CLOCK,
        max_in_flight: int | None = None,
    ) -> None:
        self._service, self._inner, self._stats, self._clock = service, inner, stats, clock
        self._settings = settings.bulkhead
        self._queue: dict[asyncio.Future[bool], None] = {}  # ordered: the one that came last is the last in it
        most = settings.max_in_flight if max_in_flight is None else max_in_flight
        self._gradient = Gradient(settings.bulkhead.min_limit, most) if settings.bulkhead.adaptive else None
        stats.limit = most if self._gradient is None else self._gradient.limit
        if self._gradient is None:
            inner.freed = self._admit  # else those that wait are let in once the limit is known that the call has told

    def send(self, call: Call) -> Coroutine[Any, Any, Reply]:
        stats = self._stats
        if stats.in_flight < stats.limit and self._gradient is None:
            return self._inner.send(call)
        return self._placed(call)

    async def close(self) -> None:
        await self._inner.close()

    async def _placed(self, call: Call) -> Reply:
        stats = self._stats
        if stats.in_flight >= stats.limit:
            await self._place(call)
            stats.in_flight -= 1  # what it sends counts itself, before anybody else can look
        try:
            if self._gradient is None:
                return await self._inner.send(call)
            return await self._measured(call, self._gradient)
        finally:
            if self._queue:
                self._admit()

    async def _place(self, call: Call) -> None:
        """Wait for a place and take it, or raise BackendBusy. Cancelled, it leaves neither a waiter nor a place taken."""
        now = self._clock.now()
        wait = min(self._settings.wait, (call.deadline.at - now) * _WAIT_SHARE)
        if len(self._queue) >= self._settings.queue or wait <= 0:
            raise self._busy("and no room to wait")
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue[place] = None
        self._stats.queued += 1
        timer = self._clock.call_at(now + wait, _give_up, place)
        granted = False
        try:
            granted = await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():  # granted in the turn in which it was cancelled
                self._stats.in_flight -= 1
                self._admit()
            raise
        finally:
            timer.cancel()
            self._queue.pop(place, None)
            self._stats.queued -= 1
        if not granted:
            raise self._busy(f"and none ended in {wait * 1000:.0f} ms")

    def _admit(self) -> None:
        """Give free places to those that wait.

        The first come is the first served, until the queue is more than half full: then calls come faster than they
        can be served, some will wait in vain, and those that have waited longest have the least time left to make use
        of a place. So the newest goes first, and what is lost is what was nearly lost.
        """
        queue, stats = self._queue, self._stats
        while queue and stats.in_flight < stats.limit:
            place = queue.popitem()[0] if len(queue) * 2 > self._settings.queue else next(iter(queue))
            queue.pop(place, None)
            if not place.done():  # cancelled or given up, and not yet told
                stats.in_flight += 1
                place.set_result(True)

    def _busy(self, why: str) -> BackendBusy:
        self._stats.busy += 1
        return BackendBusy(self._service, f"{self._stats.in_flight} calls in flight {why}")

    async def _measured(self, call: Call, gradient: Gradient) -> Reply:
        """Send, and let the limit follow how long it took.

        Only good answers tell of the load, and timeouts of calls that had time enough.
        """
        in_flight, began = self._stats.in_flight + 1, self._clock.now()
        try:
            reply = await self._inner.send(call)
        except BackendTimeout as late:
            if not late.ours and call.deadline.at - began >= self._stats.enough:
                self._stats.limit = gradient.add(self._clock.now() - began, in_flight)
            raise
        if of_reply(reply) == "good":
            self._stats.limit = gradient.add(self._clock.now() - began, in_flight)
        return reply


def _give_up(place: asyncio.Future[bool]) -> None:
    if not place.done():
        place.set_result(False)
