"""The tasks of one run: started under a deadline, cut when it has passed, told apart by how they ended, stopped together."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, Literal

from bff.composition.budget import CUT_SLACK
from bff.composition.causes import blamed, no_time, of_the_world
from bff.deadline import Clock, Deadline, Timer, set_deadline
from bff.errors import BackendError, BackendTimeout, BackendUnreachable, Forbidden

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


class _Work:
    """One piece of work in a task of its own, the moment it must have ended by, and whether that moment came first."""

    __slots__ = ("began", "deadline", "ended", "ends_at", "expired", "how", "key", "services", "spared", "started", "task")

    def __init__(self, key: str, deadline: Deadline, services: tuple[str, ...], began: float) -> None:
        self.key = key
        self.deadline = deadline
        self.services = services
        self.began = began
        self.ended = 0.0
        self.how: How = "cut"
        self.ends_at = deadline.at + CUT_SLACK
        self.task: asyncio.Task[None] | None = None  # until it has ended
        self.started = False
        self.spared = False
        self.expired = False

    def expire(self) -> None:
        """Cut it. A task that was cancelled before its first step would end without a word, so that one ends itself."""
        self.expired = True
        if self.started and self.task is not None:
            self.task.cancel()


class Tasks:
    """What runs for one request. `done` is the request's future: a bug ends it, and once it is done nothing follows."""

    __slots__ = ("_alarm", "_alarm_at", "_clock", "_done", "_earliest", "_failure", "_loop", "_open", "_works")

    def __init__(self, done: "asyncio.Future[None]", clock: Clock) -> None:
        self._done = done
        self._clock = clock
        self._loop = done.get_loop()
        self._works: list[_Work] = []
        self._open = 0  # works that have not ended
        self._failure: BaseException | None = None
        self._alarm: Timer | None = None
        self._alarm_at = inf
        self._earliest = inf  # when the first of those that were started must have ended

    @property
    def times(self) -> dict[str, tuple[float, float]]:
        """When each piece of work, by its key, began and ended; 0 for what has not ended."""
        return {work.key: (work.began, work.ended) for work in self._works}

    @property
    def how(self) -> dict[str, How]:
        """How each piece of work, by its key, ended; what has not ended is cut."""
        return {work.key: work.how for work in self._works}

    def start(
        self,
        key: str,
        function: Callable[..., Awaitable[Any]],
        given: dict[str, object],
        deadline: Deadline,
        services: tuple[str, ...],
        now: float,
        then: Then,
        whose: object,
    ) -> None:
        """Run `function(**given)` in a task of its own, from the next `arm` on held to its deadline.

        `then` is called with `whose`, its value or why it has none, and the moment.
        """
        work = _Work(key, deadline, services, now)
        # Not loop.create_task, which costs uvloop 0.2 us more: it looks for a factory, and makes up a name to replace.
        work.task = asyncio.Task(self._work(work, function, given, then, whose), loop=self._loop, name=key)
        self._works.append(work)
        self._open += 1
        if work.ends_at < self._earliest:
            self._earliest = work.ends_at

    def arm(self) -> None:
        """See to it that all that was started is cut when its time is up."""
        if self._earliest < self._alarm_at:
            self._set_alarm(self._earliest)

    def fail(self, error: BaseException) -> None:
        """End the run with this error, unless it has ended."""
        if not self._done.done():
            self._failure = error
            self._done.set_result(None)

    def raise_failure(self) -> None:
        """Raise what ended the run, if something did. It is not kept, here or in the future: its traceback has the run."""
        error, self._failure = self._failure, None
        if error is not None:
            try:
                raise error
            finally:
                del error

    def rest(self) -> bool:
        """No alarm rings from now on; whether all has ended, so that there is nothing to `stop`."""
        if self._alarm is not None:
            self._alarm.cancel()
        return not self._open

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
        """A section's own task. Tells a value from a failure of the world from a bug, which no fallback may hide."""
        work.started = True
        set_deadline(work.deadline)
        value: Any = None
        cause: BaseException | None = None
        try:
            if work.expired:
                raise no_time(work.services)
            value = await function(**given)
            work.how = "ok"
        except (BackendError, TimeoutError, Forbidden) as error:
            work.how, cause = "failed", error
        except ExceptionGroup as several:  # of a section that gathers its calls in a TaskGroup
            cause = of_the_world(several)
            work.how = "bug" if cause is None else "failed"
            if cause is None:
                self.fail(several)
                return
        except asyncio.CancelledError:
            if self._done.done():
                raise  # the screen has ended without it
            work.how = "failed"
            cause = (
                BackendTimeout(blamed(work.services), "the section ran out of time")
                if work.expired
                else BackendUnreachable(blamed(work.services), "a library cancelled the call")
            )
        except Exception as bug:  # noqa: BLE001 - handed on: it becomes the run's own error
            work.how = "bug"
            self.fail(bug)
            return
        except GeneratorExit:
            raise
        except BaseException as ending:  # an exit, a panic inside an extension: nobody else would end the run
            work.how = "bug"
            self.fail(ending)
            raise
        finally:
            work.task = None
            work.ended = now = self._clock.now()
            self._open -= 1
        if not self._done.done():
            try:
                then(whose, value, cause, now)
                if self._earliest < self._alarm_at:
                    self._set_alarm(self._earliest)
            except Exception as bug:  # noqa: BLE001 - a bug in what follows ends the run, or it would wait for ever
                self.fail(bug)
        # Its traceback has this frame: a circle for each failure, in a worker that looks for circles seldom and then for long.
        cause = None

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
            if work.ends_at > now:
                later = min(later, work.ends_at)
            elif blocked and not work.spared:
                work.spared = True
                later = min(later, now + RING_AGAIN)
            else:
                work.expire()
                if work.started:
                    later = min(later, now + RING_AGAIN)
        self._alarm, self._alarm_at, self._earliest = None, inf, inf
        if later < inf:
            self._set_alarm(later)
