"""Runs the wanted steps of a plan: everything that can start does, nothing outlives the answer.

Every running section owns one task and one timer. There is no task that waits for tasks: a section's end (`_ended`)
starts what waited for it, and the last one resolves the request's future. So one hung section holds up its dependents
and nothing else, and stopping is one loop over what still runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from math import inf
from typing import Any, cast

from bff.caller import Caller
from bff.composition.budget import ANSWER_RESERVE, CUT_SLACK, FALLBACK_TIME
from bff.composition.fill import Fill
from bff.composition.outcome import OK, NeedFailed, Outcome, failed, root_cause, stood_in
from bff.composition.plan import Cut, Step
from bff.composition.signature import Parameter
from bff.deadline import LOOP_CLOCK, Clock, Deadline, Timer, set_deadline
from bff.errors import BackendError, BackendTimeout, BackendUnreachable, BffError, Forbidden
from bff.upstream.client import Client

# A cancelled section ends within a turn of the loop; one that swallows its cancellation must not hold up the answer.
STOP_GRACE = 1.0
# uvloop counts timers in whole milliseconds and may ring this much early.
TICK = 0.001

ClientOf = Callable[[type[Client]], Client]
Work = Coroutine[Any, Any, Any]  # Any: sections of all types run side by side


class SectionFailed(BffError):
    """A required section has nothing to show, so neither has the screen."""

    def __init__(self, section: str, outcome: Outcome, cause: BaseException) -> None:
        self.section = section
        self.outcome = outcome
        self.cause = root_cause(cause)
        super().__init__(f"section '{section}' is required and failed: {cause}")


Ran = asyncio.Task[Any] | BaseException
Then = Callable[[Ran], None]


@dataclass(slots=True)
class _Job:
    """A function to run in a task, and what to do with how it ended."""

    key: str
    function: Callable[..., Awaitable[Any]]
    takes: tuple[Parameter, ...]
    services: tuple[str, ...]
    then: Then
    items: list[Any] | None = None


class _Running:
    """One task at work, the moment it must have ended by, and whether it was cut for that."""

    __slots__ = ("ends_at", "expired", "task")

    def __init__(self, task: asyncio.Task[Any], ends_at: float) -> None:
        self.task = task
        self.ends_at = ends_at
        self.expired = False


class Run:
    """One request's run of one cut of a plan. After `await run.go()`, `values` and `outcomes` hold what was had."""

    def __init__(
        self,
        cut: Cut,
        *,
        inputs: dict[str, object],
        caller: Caller,
        deadline: Deadline,
        client_of: ClientOf,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        self.cut = cut
        self.values: dict[int, Any] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.times: dict[str, tuple[float, float]] = {}  # began, ended: for waterfalls
        self._inputs = inputs
        self._caller = caller
        self._deadline = deadline
        self._client_of = client_of
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._running: set[_Running] = set()
        self._alarm: Timer | None = None
        self._alarm_at = inf
        self._causes: dict[int, BaseException] = {}  # steps that have no value at all
        self._waiting = {step.index: len(step.needs) for step in cut.steps}
        self._open = len(cut.steps)  # steps and fills that have not ended

    async def go(self) -> None:
        """Run to the end; raises SectionFailed, or whatever bug a section raised. Nothing runs when this returns."""
        try:
            for step in self.cut.first:
                if not self._done.done():
                    self._start(step)
            if self._open:
                await self._done
        finally:
            await self._stop()

    @property
    def complete(self) -> bool:
        """Whether every section shown is plainly what its backend gave."""
        return not self.outcomes

    def shown(self) -> dict[str, Any]:
        """The screen's attributes and their values."""
        return {name: self.values[index] for name, index in self.cut.shown} | self.cut.constants

    # The way of one section: start -> (value | failure -> fallback) -> its dependents and fields.

    def _start(self, step: Step) -> None:
        section = step.section
        if not self._caller.has(section.scopes):
            self._fall_back(step, Forbidden(sorted(section.scopes)))
            return
        lost = next((need for need in step.needs if need in self._causes), None)
        if lost is not None:
            self._fall_back(step, NeedFailed(self._key(lost), self._causes[lost]))
            return
        latest = self._deadline.at - ANSWER_RESERVE - (FALLBACK_TIME if section.computed is not None else 0.0)
        end = latest if section.timeout is None else min(self._clock.now() + section.timeout, latest)
        if end <= self._clock.now():
            self._fall_back(step, BackendTimeout(_only(step.services), "no time left to start"))
            return
        self._launch(
            _Job(step.key, section.function, step.takes, step.services, lambda ran: self._section_ended(step, ran)), end
        )

    def _section_ended(self, step: Step, ran: Ran) -> None:
        if isinstance(ran, BaseException):
            self._fall_back(step, ran)
        else:
            self._settle(step, ran.result(), OK)

    def _fall_back(self, step: Step, cause: BaseException) -> None:
        """The section failed: compute its fallback, else take the constant one, else it has no value."""
        section = step.section
        end = min(self._clock.now() + FALLBACK_TIME, self._deadline.at - ANSWER_RESERVE)
        hopeless = isinstance(cause, Forbidden) or not self._can_compute(step) or end <= self._clock.now()
        if section.computed is None or hopeless:
            self._settle_without(step, cause)
        else:
            self._launch(
                _Job(
                    f"{step.key} (fallback)",
                    section.computed,
                    step.fallback_takes,
                    step.services,
                    lambda ran: self._fallback_ended(step, cause, ran),
                ),
                end,
            )

    def _can_compute(self, step: Step) -> bool:
        return not any(
            parameter.section is not None and self._index(parameter) in self._causes for parameter in step.fallback_takes
        )

    def _fallback_ended(self, step: Step, cause: BaseException, ran: Ran) -> None:
        if isinstance(ran, BaseException):
            self._settle_without(step, cause)
        else:
            self._settle(step, ran.result(), stood_in(cause))

    def _settle_without(self, step: Step, cause: BaseException) -> None:
        section = step.section
        if section.has_constant:
            self._settle(step, section.constant(), failed(cause) if section.nullable else stood_in(cause))
        elif step.fatal:
            self._abort(SectionFailed(step.key, failed(cause), cause))
        else:
            self._causes[step.index] = cause
            self._settle(step, None, failed(cause))

    def _settle(self, step: Step, value: object, outcome: Outcome) -> None:
        """The section has what it will have: note it, start what waited for it and the fields of its items."""
        self.values[step.index] = value
        if outcome is not OK and step.shown:
            self.outcomes[step.key] = outcome
        for waiting in self.cut.dependents[step.index]:
            self._waiting[waiting.index] -= 1
            if not self._waiting[waiting.index]:
                self._start(waiting)
        if value is not None and step.index in self.cut.fills:
            self._fill(self.cut.fills[step.index], value)
        self._close_one()

    # Item fields: one task a field, started when their items are there.

    def _fill(self, fills: tuple[Fill, ...], value: object) -> None:
        for fill in fills:
            items = fill.collect(value)
            if items:
                self._open += 1
                self._start_fill(fill, items, value)

    def _start_fill(self, fill: Fill, items: list[Any], value: object) -> None:
        latest = self._deadline.at - ANSWER_RESERVE
        timeout = fill.field.timeout
        end = latest if timeout is None else min(self._clock.now() + timeout, latest)
        cause: BaseException | None = None
        if not self._caller.has(fill.field.scopes):
            cause = Forbidden(sorted(fill.field.scopes))
        elif end <= self._clock.now():
            cause = BackendTimeout(_only(fill.services), "no time left to start")
        if cause is not None:
            self._fill_ended(fill, items, value, cause)
            return
        ended: Then = lambda ran: self._fill_ended(fill, items, value, ran)  # noqa: E731 - named for its type
        self._launch(_Job(fill.key, fill.field.function, fill.takes, fill.services, ended, items), end)

    def _fill_ended(self, fill: Fill, items: list[Any], value: object, ran: Ran) -> None:
        if isinstance(ran, BaseException):
            self.outcomes[fill.key] = failed(ran)
        else:
            filled = ran.result()
            if len(filled) != len(items):
                self._abort(
                    TypeError(f"{fill.field.place}: gave {len(filled)} values for {len(items)} items; give one an item")
                )
                return
            for item, part in zip(items, filled, strict=True):
                setattr(item, fill.field.name, part)
            self._fill(fill.then, value)
        self._close_one()

    # Tasks and timers.

    def _launch(self, job: _Job, end: float) -> None:
        deadline = Deadline(end, self._clock.now)
        context = copy_context()
        context.run(set_deadline, deadline)
        given = {parameter.name: self._argument(parameter, deadline, job.items) for parameter in job.takes}
        task = self._loop.create_task(cast("Work", job.function(**given)), context=context)
        running = _Running(task, end + CUT_SLACK)
        self._running.add(running)
        if running.ends_at < self._alarm_at:
            self._set_alarm(running.ends_at)
        self.times[job.key] = (self._clock.now(), 0.0)
        task.add_done_callback(lambda task: self._ended(job, running, task))

    # One alarm a run, for whoever must end first: a timer a section would cost 1.2 us each and nearly none ever rings.

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._clock.call_at(at, self._ring)

    def _ring(self) -> None:
        now = self._clock.now() + TICK
        later = inf
        for running in self._running:
            if running.ends_at <= now:
                running.expired = True
                running.task.cancel()
            else:
                later = min(later, running.ends_at)
        self._alarm, self._alarm_at = None, inf
        if later < inf:
            self._set_alarm(later)

    def _argument(self, parameter: Parameter, deadline: Deadline, items: list[Any] | None) -> object:
        match parameter.kind:
            case "need":
                return self.values[self._index(parameter)]
            case "client":
                return self._client_of(parameter.annotation)
            case "caller":
                return self._caller
            case "deadline":
                return deadline
            case "items":
                return items
            case "input":
                return self._inputs[parameter.name]

    def _ended(self, job: "_Job", running: _Running, task: "asyncio.Task[Any]") -> None:
        """A task ended: tell a value from a failure of the world from a bug, which no fallback may hide."""
        self._running.discard(running)
        self.times[job.key] = (self.times[job.key][0], self._clock.now())
        error = None if task.cancelled() else task.exception()
        if self._done.done():
            return  # the screen has ended without it
        if task.cancelled() and running.expired:
            error = BackendTimeout(_only(job.services), "the section ran out of time")
        elif task.cancelled():
            error = BackendUnreachable(_only(job.services), "a library cancelled the call")
        if error is None:
            job.then(task)
        elif isinstance(error, BackendError | TimeoutError | Forbidden):
            job.then(error)
        else:
            self._abort(error)

    def _abort(self, error: BaseException) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _close_one(self) -> None:
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    async def _stop(self) -> None:
        """Cancel what still runs and see it end, so that nothing runs on after the answer."""
        if not self._done.done():
            self._done.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
        if self._running:
            tasks = [running.task for running in self._running]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=STOP_GRACE)

    def _index(self, parameter: Parameter) -> int:
        return self.cut.index_of[parameter.section] if parameter.section is not None else -1

    def _key(self, index: int) -> str:
        return next(step.key for step in self.cut.steps if step.index == index)


def _only(services: tuple[str, ...]) -> str:
    """The service to blame when there is no doubt which one."""
    return services[0] if len(services) == 1 else ""
