"""One moment a screen's work must end by, carried to every call below it.

Times are `time.monotonic()` seconds, which is also what asyncio loops count in; a wall clock jumps and would cut or
stretch a deadline.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which work must have ended; it only ever gets earlier on the way down."""

    at: float
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Clock = time.monotonic) -> "Deadline":
        return cls(clock() + seconds, clock)

    def left(self) -> float:
        """Seconds left; negative once it has passed."""
        return self.at - self.clock()

    def earlier(self, at: float) -> "Deadline":
        """This deadline or the moment `at`, whichever comes first."""
        return self if self.at <= at else Deadline(at, self.clock)


_current: ContextVar[Deadline | None] = ContextVar("bff_deadline", default=None)


def current_deadline() -> Deadline | None:
    """The deadline of the section (or batch) that is running, if one is."""
    return _current.get()


def set_deadline(deadline: Deadline | None) -> None:
    """Set the deadline for the rest of this task; for tasks that live for one piece of work and end."""
    _current.set(deadline)


@contextmanager
def under(deadline: Deadline | None) -> Iterator[None]:
    """Run a block under `deadline` and give the old one back after it."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)
