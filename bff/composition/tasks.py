"""The tasks of one run: started under a deadline, cut when it has passed, told apart by how they ended, stopped together."""

import asyncio
import inspect
from asyncio import Task
from collections.abc import Awaitable, Callable, Coroutine
from math import inf
from typing import Any, Literal, cast

from msgspec import Struct

from bff.composition.budget import CUT_SLACK
from bff.composition.causes import blamed, no_time, of_the_world
from bff.deadline import Clock, Deadline, Timer, set_deadline
from bff.errors import BackendTimeout, BackendUnreachable

# A cancelled section ends within a turn of the loop, or when its `finally` is done; Python 3.11's wait_for can swallow a
# cancellation, so who has not ended by then is asked again. One that never obeys must not hold up the answer.
RING_AGAIN = 0.010
STOP_ASKS = 4
# uvloop counts timers in whole milliseconds and may ring this much early.
TICK = 0.001
# An alarm that rings this late found the loop blocked (F48): answers that came in time may lie unread. What is due is
# spared once, until the next ring, in which the loop takes the turns that bring them.
BLOCKED = 0.050

# Any: sections of all types run side by side. What follows work that ended: whose it was, its value or why it has none,
# and when that was.
Then = Callable[[Any, Any, BaseException | None, float], None]
# How work ended: with a value, without one for a reason of the world's, by a bug; or it was cut, with its screen.
How = Literal["ok", "failed", "bug", "cut"]


class _Work(Struct):
    """One piece of work in a task of its own, the moment it must have ended by, and whether that moment came first."""

    deadline: Deadline
    services: tuple[str, ...]
    began: float
    ended: float = 0.0
    how: How = "ok"  # once it has ended
    task: Task[None] | None = None  # until it has ended
    spared: bool = False
    expired: bool = False

    def expire(self) -> bool:
        """Cut it. A task that was cancelled before its first step would end without a word, so that one ends itself.

        Whether it was cancelled.
        """
        self.expired = True
        if self.task is None or not _begun(self.task):
            return False
        self.task.cancel()
        return True


def _begun(task: Task[None]) -> bool:
    work = cast("Coroutine[Any, Any, None]", task.get_coro())  # which is what `Tasks.start` gives it
    return inspect.getcoroutinestate(work) != inspect.CORO_CREATED


class Tasks:
    """What runs for one request. `done` is the request's future: a bug ends it, and once it is done nothing follows."""

    __slots__ = ("_alarm", "_alarm_at", "_clock", "_done", "_earliest", "_loop", "_now", "_works", "failure")

    def __init__(self, done: "asyncio.Future[None]", clock: Clock) -> None:
        self._done = done
        self._clock = clock
        self._now = clock.now
        self._loop = done.get_loop()
        self._works: list[_Work] = []
        self.failure: BaseException | None = None  # what ended the run, if something did
        self._alarm: Timer | None = None
        self._alarm_at = self._earliest = inf  # when it rings; when the first of those that were started has to end

    @property
    def times(self) -> dict[str, tuple[float, float]]:
        """When each piece of work, by its key, began and ended; 0 for what has not ended."""
        return {work.deadline.of: (work.began, work.ended) for work in self._works}

    @property
    def how(self) -> dict[str, How]:
        """How each piece of work, by its key, ended; what has not ended is cut."""
        return {work.deadline.of: work.how if work.task is None else "cut" for work in self._works}

    def start(
        self,
        function: Callable[..., Awaitable[Any]],
        given: dict[str, object],
        deadline: Deadline,
        services: tuple[str, ...],
        now: float,
        then: Then,
        whose: object,
    ) -> None:
        """Run `function(**given)` in a task of its own, from the next `arm` on held to its deadline, which has its key.

        `then` is called with `whose`, its value or why it has none, and the moment.
        """
        work = _Work(deadline, services, now)
        # Not loop.create_task, which costs uvloop 0.2 us more: it looks for a factory, and makes up a name to replace.
        work.task = Task(self._work(work, function, given, then, whose), loop=self._loop, name=deadline.of)
        self._works.append(work)
        if deadline.at < self._earliest:
            self._earliest = deadline.at

    def arm(self) -> None:
        """See to it that all that was started is cut when its time is up."""
        at = self._earliest + CUT_SLACK
        if at < self._alarm_at:
            self._set_alarm(at)

    def fail(self, error: BaseException) -> None:
        """End the run with this error, unless it has ended."""
        if not self._done.done():
            self.failure = error
            self._done.set_result(None)

    def raise_failure(self) -> None:
        """Raise what ended the run, if something did. It is not kept, here or in the future: its traceback has the run."""
        error, self.failure = self.failure, None
        if error is not None:
            try:
                raise error
            finally:
                del error

    def rest(self) -> None:
        """No alarm rings from now on."""
        if self._alarm is not None:
            self._alarm.cancel()

    async def stop(self) -> None:
        """Cancel what still runs and see it end, so that nothing runs on after the answer."""
        tasks = {work.task for work in self._works if work.task is not None}
        for _ in range(STOP_ASKS if tasks else 0):
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=RING_AGAIN)
            if not tasks:
                break

    async def _work(
        self, work: _Work, function: Callable[..., Awaitable[Any]], given: dict[str, object], then: Then, whose: object
    ) -> None:
        """A section's own task."""
        set_deadline(work.deadline)
        try:
            if work.expired:
                raise no_time(work.services)
            value = await function(**given)
        except BaseException as error:
            if not self._failed(work, error, then, whose):
                raise
            return
        work.task = None
        work.ended = now = self._now()
        if not self._done.done():
            try:
                then(whose, value, None, now)
            except Exception as bug:  # noqa: BLE001 - a bug in what follows ends the run, or it would wait for ever
                self.fail(bug)

    def _failed(self, work: _Work, error: BaseException, then: Then, whose: object) -> bool:
        """Whether that is all of it: else it is to be raised again.

        Tells a failure of the world from a bug, which no fallback may hide, and from the end of the screen. A frame of its
        own: the error's traceback has that of the task, and whatever kept the error there would be a circle for each
        failure, in a worker that looks for circles seldom and then for long.
        """
        work.task = None
        work.ended = now = self._now()
        cause: BaseException | None
        if isinstance(error, asyncio.CancelledError):
            if self._done.done():
                work.how = "cut"
                return False  # the screen has ended without it
            cause = (
                BackendTimeout(blamed(work.services), "the section ran out of time")
                if work.expired
                else BackendUnreachable(blamed(work.services), "a library cancelled the call")
            )
        elif isinstance(error, GeneratorExit):
            work.how = "cut"
            return False
        else:
            cause = of_the_world(error)  # the first of a group, of a section that gathers its calls in a TaskGroup
        if cause is None:
            work.how = "bug"
            self.fail(error)  # the run's own error
            return isinstance(error, Exception)  # an exit, a panic inside an extension: it goes on
        work.how = "failed"
        if not self._done.done():
            try:
                then(whose, None, cause, now)
            except Exception as bug:  # noqa: BLE001 - as above
                self.fail(bug)
        return True

    # One alarm a run, for whoever must end first: a timer a section would cost 2.6 us each, and nearly none ever rings.

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._clock.call_at(at, self._ring)

    def _ring(self) -> None:
        now = self._clock.now() + TICK
        blocked = now - self._alarm_at > BLOCKED
        later = inf
        for work in self._works:
            if work.task is None:
                continue
            ends_at = work.deadline.at + CUT_SLACK
            if ends_at > now:
                later = min(later, ends_at)
            elif blocked and not work.spared:
                work.spared = True
                later = min(later, now + RING_AGAIN)
            elif work.expire():
                later = min(later, now + RING_AGAIN)
        self._alarm, self._alarm_at, self._earliest = None, inf, inf
        if later < inf:
            self._set_alarm(later)
