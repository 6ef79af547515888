"""The tasks of one run: started under a deadline, cut when it has passed, told apart by how they ended, stopped together."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from bff.composition.budget import CUT_SLACK
from bff.deadline import Clock, Deadline, Timer, set_deadline
from bff.errors import BackendError, BackendTimeout, BackendUnreachable, Forbidden

# A cancelled section ends within a turn of the loop, or when its `finally` is done; Python 3.11's wait_for can swallow a
# cancellation, so who has not ended by then is asked again. One that never obeys must not hold up the answer.
RING_AGAIN = 0.010
STOP_ASKS = 4
# uvloop counts timers in whole milliseconds and may ring this much early.
TICK = 0.001

# Any: sections of all types run side by side. What follows a function that ended: its value, or why it has none.
Then = Callable[[Any, BaseException | None], None]


class _Running:
    """One task at work, the moment it must have ended by, and whether that moment came first."""

    __slots__ = ("ends_at", "expired", "started", "task")

    def __init__(self, ends_at: float) -> None:
        self.task: asyncio.Task[None] | None = None
        self.ends_at = ends_at
        self.started = False
        self.expired = False

    def expire(self) -> None:
        """Cut it. A task that was cancelled before its first step would end without a word, so that one ends itself."""
        self.expired = True
        if self.started and self.task is not None:
            self.task.cancel()


class Tasks:
    """What runs for one request. `done` is the request's future: a bug is set on it, and once it is done nothing follows.

    `times` has when each piece of work, by its key, began and ended.
    """

    __slots__ = ("_alarm", "_alarm_at", "_clock", "_done", "_loop", "_running", "times")

    def __init__(self, done: "asyncio.Future[None]", clock: Clock) -> None:
        self.times: dict[str, tuple[float, float]] = {}
        self._done = done
        self._clock = clock
        self._loop = done.get_loop()
        self._running: set[_Running] = set()
        self._alarm: Timer | None = None
        self._alarm_at = inf

    def start(
        self,
        key: str,
        function: Callable[..., Awaitable[Any]],
        given: dict[str, object],
        deadline: Deadline,
        services: tuple[str, ...],
        then: Then,
    ) -> None:
        """Run `function(**given)` in a task of its own; `then` is called with its value, or with why it has none."""
        running = _Running(deadline.at + CUT_SLACK)
        running.task = self._loop.create_task(self._work(key, running, function, given, deadline, services, then))
        self._running.add(running)
        if running.ends_at < self._alarm_at:
            self._set_alarm(running.ends_at)

    def fail(self, error: BaseException) -> None:
        """End the run with this error, unless it has ended."""
        if not self._done.done():
            self._done.set_exception(error)

    async def stop(self) -> None:
        """Cancel what still runs and see it end, so that nothing runs on after the answer."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._running:
            tasks = {running.task for running in self._running if running.task is not None}
            for _ in range(STOP_ASKS):
                for task in tasks:
                    task.cancel()
                _, tasks = await asyncio.wait(tasks, timeout=RING_AGAIN)
                if not tasks:
                    break

    async def _work(
        self,
        key: str,
        running: _Running,
        function: Callable[..., Awaitable[Any]],
        given: dict[str, object],
        deadline: Deadline,
        services: tuple[str, ...],
        then: Then,
    ) -> None:
        """A section's own task. Tells a value from a failure of the world from a bug, which no fallback may hide."""
        running.started = True
        set_deadline(deadline)
        began = self._clock.now()
        self.times[key] = (began, 0.0)
        value: Any = None
        cause: BaseException | None = None
        try:
            if running.expired:
                raise no_time(services)
            value = await function(**given)
        except (BackendError, TimeoutError, Forbidden) as error:
            cause = error
        except ExceptionGroup as several:  # of a section that gathers its calls in a TaskGroup
            cause = _of_the_world(several)
            if cause is None:
                self.fail(several)
                return
        except asyncio.CancelledError:
            if self._done.done():
                raise  # the screen has ended without it
            cause = (
                BackendTimeout(blamed(services), "the section ran out of time")
                if running.expired
                else BackendUnreachable(blamed(services), "a library cancelled the call")
            )
        except Exception as bug:  # noqa: BLE001 - handed on: it becomes the run's own error
            self.fail(bug)
            return
        finally:
            self._running.discard(running)
            self.times[key] = (began, self._clock.now())
        if not self._done.done():
            try:
                then(value, cause)
            except Exception as bug:  # noqa: BLE001 - a bug in what follows ends the run, or it would wait for ever
                self.fail(bug)

    # One alarm a run, for whoever must end first: a timer a section would cost 1.2 us each, and nearly none ever rings.

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._clock.call_at(at, self._ring)

    def _ring(self) -> None:
        now = self._clock.now() + TICK
        later = inf
        for running in self._running:
            if running.ends_at > now:
                later = min(later, running.ends_at)
            else:
                running.expire()
                if running.started:
                    later = min(later, now + RING_AGAIN)
        self._alarm, self._alarm_at = None, inf
        if later < inf:
            self._set_alarm(later)


def _of_the_world(several: BaseException) -> BaseException | None:
    """The first of a group of failures, or None when there is a bug among them."""
    if not isinstance(several, BaseExceptionGroup):
        return several if isinstance(several, BackendError | TimeoutError | Forbidden) else None
    causes = [_of_the_world(one) for one in several.exceptions]
    return None if None in causes else causes[0]


def blamed(services: tuple[str, ...]) -> str:
    """The service to blame when there is no doubt which one."""
    return services[0] if len(services) == 1 else ""


def no_time(services: tuple[str, ...]) -> BackendTimeout:
    return BackendTimeout(blamed(services), "no time left to start")
