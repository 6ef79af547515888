"""One HTTP/1.1 connection to a backend: one exchange at a time, ended by its answer, its deadline or its caller.

There is no task here. The caller awaits a future, what arrives completes it, and one alarm a connection watches the
moment it is due: a call's deadline, or the end of its idle life.
"""

import asyncio
import select
from collections.abc import Callable
from math import inf
from typing import Final, Protocol, cast

from bff.deadline import Clock, Timer
from bff.errors import BackendError, BackendInvalid, BackendTimeout, BackendUnreachable
from bff.upstream.call import Reply
from bff.upstream.http1_response import FramingError, ResponseReader
from bff.upstream.stats import InstanceStats

# uvloop counts timers in whole milliseconds and may ring this much early; setting another for the rest would only spin.
_TICK: Final = 0.001
# An alarm that rings this much late tells of our own loop, not of the backend: it was blocked (F48), and what came
# meanwhile is still unread. Above what a busy loop's turn takes (shedding starts at 100 ms of lag), under any timeout.
LATE: Final = 0.05


class Stale(BackendUnreachable):
    """A kept connection that the backend had given up before any byte of this answer came.

    RFC 9110 section 9.2.2 and RFC 9112 section 9.3.1: a repeatable request may be sent again then, on a new connection.
    """


class Owner(Protocol):
    """Who keeps a connection while it is idle. Called from inside the event loop, so it must not wait."""

    def rested(self, connection: "Connection", now: float) -> float:
        """An answer is whole and another request may follow: until when it may be kept idle, or `abort` it."""
        ...

    def lost(self, connection: "Connection") -> None:
        """Its socket is closed. Not told of one whose making was cancelled: uvloop closes that without a word."""
        ...


class Connection(asyncio.Protocol):
    """`ask` sends a request and gives the future of its answer; after that the connection is idle again, or closed."""

    __slots__ = (
        "_alarm",
        "_alarm_at",
        "_clock",
        "_due",
        "_feed",
        "_new_waiter",
        "_now",
        "_owner",
        "_reader",
        "_service",
        "_silent",
        "_stats",
        "_transport",
        "_used",
        "_whole_by",
        "_write",
        "_writing",
        "closing",
        "expires",
        "instance",
        "waiter",
    )

    def __init__(
        self, service: str, instance: str, owner: Owner, reader: ResponseReader, stats: InstanceStats, clock: Clock
    ) -> None:
        self._service, self.instance, self._owner, self._reader = service, instance, owner, reader
        self._stats, self._clock, self._now, self._feed = stats, clock, clock.now, reader.feed
        self._transport: asyncio.Transport | None = None
        self._write: Callable[[bytes], object]  # these three are set when it is made
        self.closing: Callable[[], bool]  # whether its socket is closed or about to be
        self._new_waiter: Callable[[], asyncio.Future[Reply]]
        self._alarm: Timer | None = None
        self._alarm_at = self._due = self._whole_by = inf
        self._silent = True  # no byte of the current answer has come
        self._used = False  # it has carried a whole exchange
        self._writing = False  # bytes of the request are still with us
        self.expires = inf  # its owner's note: from then on it is not to be used again
        self.waiter: asyncio.Future[Reply] | None = None  # whoever awaits the current answer

    def ask(self, request: bytes, due: float) -> asyncio.Future[Reply]:
        """Send a request. The future ends with a Reply or one BackendError, by that moment whatever the backend does.

        Whoever stops awaiting must `abort`: the rest of this answer could be taken for the next one.
        """
        self._silent = True
        self._due = due
        if due < self._alarm_at:
            self._set_alarm()
        self._write(request)
        if not self._writing and not self.closing():  # a write that failed closes
            self._stats.written += 1
        self.waiter = waiter = self._new_waiter()
        return waiter

    def expect_no_body(self) -> None:
        """What is asked next is a HEAD."""
        self._reader.expect_no_body()

    def expect_first_byte(self, by: float) -> None:
        """Something of the answer to what was just asked must have come by then. For all that is asked here, or for none."""
        self._whole_by = self._due
        self._due = min(by, self._due)
        if self._due < self._alarm_at:
            self._set_alarm()

    def abort(self) -> None:
        """Close at once, whatever is going on. Whoever awaits an answer is not told: `end` does that."""
        self.waiter = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._transport is not None:
            self._transport.abort()

    @property
    def open(self) -> bool:
        return self._transport is not None and not self.closing()

    def stirred(self) -> bool:
        """Whether something has come on an idle connection that the event loop has not told us of yet: a close, mostly.

        One system call; it is for requests that must not be sent twice.
        """
        assert self._transport is not None
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = made = cast("asyncio.Transport", transport)  # uvloop's are not instances of it
        # So `pause_writing` tells of any byte that the kernel did not take at once. Not 0: TLS pauses at the mark itself.
        made.set_write_buffer_limits(high=1, low=0)
        self._write, self.closing = made.write, made.is_closing
        self._new_waiter = asyncio.get_running_loop().create_future

    def pause_writing(self) -> None:
        self._writing = True

    def resume_writing(self) -> None:
        self._writing = False
        if self.waiter is not None:
            self._stats.written += 1

    def data_received(self, data: bytes) -> None:
        waiter = self.waiter
        if waiter is None:
            self.abort()  # bytes that nobody asked for: the next answer could not be told from them
            return
        try:
            reply = self._feed(data)
        except FramingError as broken:
            self.end(BackendInvalid(self._service, f"{self.instance}: {broken}"))
            return
        if reply is None:
            self._hear()
            return
        self.waiter = None
        self._used = True
        # A request that is not sent to its end (the backend answered early) would run on into the next one.
        if self._reader.reusable and not self._writing:
            self._due = until = self._owner.rested(self, self._now())
            if until < self._alarm_at:
                self._set_alarm()
        else:
            self.abort()
        if not waiter.done():
            waiter.set_result(reply)

    def eof_received(self) -> bool:
        """The backend has closed its side. False lets asyncio close ours."""
        waiter = self.waiter
        if waiter is not None:
            try:
                reply = self._reader.end()
            except FramingError as broken:
                self.end(BackendInvalid(self._service, f"{self.instance}: {broken}"))
                return False
            if reply is None:
                self.end(self._broken(None))
                return False
            self.abort()
            if not waiter.done():
                waiter.set_result(reply)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waiter is not None:
            self.end(self._broken(exc))
        self.abort()
        self._owner.lost(self)

    # The ends of an exchange.

    def end(self, error: BackendError) -> None:
        """Close at once and give whoever awaits an answer this error for it."""
        waiter = self.waiter
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def _hear(self) -> None:
        """Something of the answer has come."""
        if self._silent:
            self._silent = False
            if self._whole_by < inf:
                self._due = self._whole_by

    def _broken(self, exc: Exception | None) -> BackendError:
        how = "reset" if isinstance(exc, ConnectionError) else "closed"
        if self._silent:
            kind = Stale if self._used else BackendUnreachable
            return kind(self._service, f"{self.instance}: {how} before its answer")
        error = BackendUnreachable(self._service, f"{self.instance}: {how} in the middle of its answer")
        error.begun = True
        return error

    # The alarm: left as it is when it rings too early for what is now due, and set again then. So a busy connection has
    # one timer a deadline's length, not one a call (a timer made and cancelled is 1.2 us, performance.md 4g).

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = self._due
        self._alarm = self._clock.call_at(self._due, self._ring)

    def _ring(self, again: bool = False) -> None:
        self._alarm, self._alarm_at = None, inf
        late = self._now() - self._due
        if late < -_TICK:
            self._set_alarm()
        elif self.waiter is None:
            self.abort()
        elif late > LATE and not again:
            # uvloop rings before it reads: the answer may be here already, so one turn of the loop for it.
            self._alarm = self._clock.call_at(self._now() + _TICK, self._ring, True)
        else:
            what = "no byte of its answer" if self._silent else "its answer was not whole"
            self.end(BackendTimeout(self._service, f"{self.instance}: {what} in time", ours=again))
