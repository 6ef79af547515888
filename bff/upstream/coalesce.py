"""The layer that makes one call of equal ones: reads that are marked `shared` and in flight for several requests at once.

The call is nobody's: it has a task, a deadline and a context of its own, so neither the cancellation, the time nor the
trace of one request reaches the others (F40). It ends when the last one who waits for it leaves. A service that wants to
know who asks is told that it is the gateway.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final

from bff.deadline import LOOP_CLOCK, Clock, Deadline
from bff.errors import BackendTimeout, BackendUnreachable
from bff.service_settings import ServiceSettings
from bff.upstream.call import Call, CallPolicy, Headers, Reply, Sender
from bff.upstream.stats import ServiceStats

# What is one request's and says nothing of what is asked: neither compared nor sent.
_OF_ONE_REQUEST: Final = frozenset({"x-request-id", "traceparent", "tracestate", "request-timeout", "x-attempt"})
# What says who asks, so that the answer may be theirs alone.
_WHO: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-forwarded-client-cert"})
_WHO_PREFIXES: Final = ("x-user-", "x-internal-")
# A call that ended this little (seconds) before its deadline ended by it: loops round timers to milliseconds.
_SLACK: Final = 0.005

_Key = tuple[str, Headers, object, CallPolicy]
# Reply, or what was raised in its place.
_End = Reply | BaseException


class Coalesce:
    """Equal reads of one service: same target, same headers, same decoder, and the same that is asked for besides
    (`CallPolicy`): one that gave itself little time, or no second attempt, would end those of others.
    `nobody` gives the headers that say who asks when it is for all.

    Every reader gets the bytes as they came and decodes them for itself, so nobody can change what another reads.
    TypeError for a shared call that says who asks: its answer could reach somebody else.
    """

    __slots__ = ("_clock", "_flights", "_inner", "_nobody", "_service", "_stats", "_tasks", "_timeout")

    def __init__(
        self,
        service: str,
        inner: Sender,
        settings: ServiceSettings,
        stats: ServiceStats,
        *,
        nobody: Callable[[], Headers] | None = None,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        self._service, self._inner, self._stats, self._clock = service, inner, stats, clock
        self._nobody = nobody
        self._timeout = settings.timeout
        self._flights: dict[_Key, _Flight] = {}
        self._tasks: set[asyncio.Task[Reply]] = set()  # of these, and of those that are being cancelled

    def send(self, call: Call) -> Coroutine[Any, Any, Reply]:
        if call.policy.shared and call.method == "GET":
            return self._shared(call)
        return self._inner.send(call)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._inner.close()

    async def _shared(self, call: Call) -> Reply:
        headers = _own(call.headers)
        key = (call.target, headers, call.decode, call.policy)
        if call.deadline.left() <= 0:
            raise BackendTimeout(self._service, "its time was up before it was sent", ours=True, sent=False)
        while True:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = self._depart(key, call, headers)
            else:
                self._stats.coalesced += 1
            end = await self._wait(key, flight, call.deadline)
            if isinstance(end, Reply):
                return end
            if not (isinstance(end, BackendTimeout) and flight.ended_before(call.deadline)):
                try:
                    raise end
                finally:
                    del end, flight  # its traceback has this frame: a circle for each failure

    def _depart(self, key: _Key, call: Call, headers: Headers) -> "_Flight":
        seconds = self._timeout if call.policy.timeout is None else call.policy.timeout
        policy = call.policy._replace(shared=False)
        # The record of who asks first shows the attempts; those who join made none.
        common = Call(
            call.service,
            call.method,
            call.target,
            Deadline.after(seconds, self._clock),
            headers if self._nobody is None else headers + self._nobody(),  # not in the key: it is anew now and then
            decode=call.decode,
            policy=policy,
            attempts=call.attempts,
        )
        task = asyncio.get_running_loop().create_task(self._fly(common), context=Context())
        self._tasks.add(task)
        flight = _Flight(task, common.deadline)
        task.add_done_callback(lambda _: self._land(key, flight))
        return flight

    async def _fly(self, common: Call) -> Reply:
        return await self._inner.send(common)

    async def _wait(self, key: _Key, flight: "_Flight", deadline: Deadline) -> _End:
        """How it ended, or a timeout of one's own."""
        waiter: asyncio.Future[_End] = asyncio.get_running_loop().create_future()
        flight.waiters.add(waiter)
        timer = None
        if deadline.at < flight.deadline.at:
            timer = self._clock.call_at(deadline.at, _give, waiter, BackendTimeout(self._service, "no answer in time"))
        try:
            return await waiter
        finally:
            if timer is not None:
                timer.cancel()
            flight.waiters.discard(waiter)
            if not flight.waiters and not flight.task.done():
                flight.task.cancel()
                self._forget(key, flight)  # who asks from now on must not find a call that is ending

    def _land(self, key: _Key, flight: "_Flight") -> None:
        self._tasks.discard(flight.task)
        self._forget(key, flight)
        end: _End
        if flight.task.cancelled():
            # With readers still there it was not us: a library's own cancellation, or `close`.
            end = BackendUnreachable(self._service, "the shared call was cancelled")
        else:
            end = flight.task.exception() or flight.task.result()
        for waiter in flight.waiters:
            # bytes cannot be changed; the value that was decoded below is nobody's
            _give(waiter, Reply(end.status, list(end.headers), end.body, end.instance) if isinstance(end, Reply) else end)

    def _forget(self, key: _Key, flight: "_Flight") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class _Flight:
    """A shared call under way, and those who wait for it."""

    __slots__ = ("deadline", "task", "waiters")

    def __init__(self, task: "asyncio.Task[Reply]", deadline: Deadline) -> None:
        self.task = task
        self.deadline = deadline
        self.waiters: set[asyncio.Future[_End]] = set()

    def ended_before(self, deadline: Deadline) -> bool:
        """Whether its own time was up while a reader with this deadline has time left: that one asks again."""
        return self.deadline.left() <= _SLACK and deadline.at > self.deadline.at and deadline.left() > _SLACK


def _give(waiter: "asyncio.Future[_End]", end: _End) -> None:
    if not waiter.done():
        waiter.set_result(end)


def _own(headers: Headers) -> Headers:
    """The headers that belong to the read itself."""
    for name, _ in headers:
        if name in _WHO or name.startswith(_WHO_PREFIXES):
            raise TypeError(f"a shared call must not say who asks, but has the header {name!r}; take `shared` off it")
    return tuple(header for header in headers if header[0] not in _OF_ONE_REQUEST)
