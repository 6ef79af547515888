"""One moment a screen's work must end by, carried to every call below it, and the clock it is read from.

Times are monotonic seconds: a wall clock jumps and would cut or stretch a deadline. The clock is passed in, so that
tests can run time by hand (`bff.testing.ManualClock`).
"""

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

import msgspec


class Timer(Protocol):
    """A callback that waits for its moment."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Where time comes from and where timers are set."""

    def now(self) -> float: ...

    def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Timer: ...


class LoopClock:
    """Real time, timers on the running event loop."""

    now = staticmethod(time.monotonic)

    def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Timer:
        return asyncio.get_running_loop().call_later(max(0.0, when - time.monotonic()), callback, *args)


LOOP_CLOCK = LoopClock()


async def sleep(seconds: float, clock: Clock = LOOP_CLOCK) -> None:
    """Wait that long by this clock."""
    woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    timer = clock.call_at(clock.now() + seconds, wake)
    try:
        await woken
    finally:
        timer.cancel()


class Deadline(msgspec.Struct):  # and no dataclass: made in C, without a frame, and there is one a section and one a call
    """The moment by which work must have ended; it only ever gets earlier on the way down. Never changed once made."""

    at: float
    now: Callable[[], float] = time.monotonic
    of: str = ""  # who works under it, by the key of its section or field; "" outside of any

    @classmethod
    def after(cls, seconds: float, clock: Clock = LOOP_CLOCK) -> "Deadline":
        return cls(clock.now() + seconds, clock.now)

    def left(self) -> float:
        """Seconds left; negative once it has passed."""
        return self.at - self.now()

    def earlier(self, at: float) -> "Deadline":
        """This deadline or the moment `at`, whichever comes first."""
        return self if self.at <= at else Deadline(at, self.now, self.of)


_current: ContextVar[Deadline | None] = ContextVar("bff_deadline", default=None)


# The two are the variable's own methods, since every section and every call has one of them.
# The deadline of the section (or batch) that is running, if one is.
current_deadline: Callable[[], Deadline | None] = _current.get
# Set the deadline for the rest of this task; for tasks that live for one piece of work and end with it.
set_deadline: Callable[[Deadline | None], object] = _current.set
