"""Runs the wanted steps of a plan: everything that can start does, nothing outlives the answer.

Every running section owns one task. There is no task that waits for tasks: a section's end starts what waited for it,
and the last one resolves the request's future. So one hung section holds up its dependents and nothing else, and
stopping is one loop over what still runs.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from bff.caller import Caller
from bff.composition.budget import ANSWER_RESERVE, FALLBACK_TIME
from bff.composition.causes import no_time
from bff.composition.fill import Fill
from bff.composition.job import Job
from bff.composition.outcome import OK, NeedFailed, Outcome, failed, root_cause, stood_in
from bff.composition.plan import Cut, Step
from bff.composition.relief import Relief
from bff.composition.tasks import How, Tasks, Then
from bff.deadline import LOOP_CLOCK, Clock, Deadline
from bff.errors import BffError, Forbidden
from bff.upstream.client import Client

ClientOf = Callable[[type[Client]], Client]


class SectionFailed(BffError):
    """A required section has nothing to show, so neither has the screen."""

    def __init__(self, section: str, outcome: Outcome, cause: BaseException) -> None:
        self.section = section
        self.outcome = outcome
        self.cause = root_cause(cause)
        super().__init__(f"section '{section}' is required and failed: {cause}")


class Run:
    """One request's run of one cut of a plan. After `await run.go()`, `values` and `outcomes` hold what was had."""

    __slots__ = (
        "_caller",
        "_causes",
        "_client_of",
        "_done",
        "_inputs",
        "_latest",
        "_now",
        "_open",
        "_relief",
        "_tasks",
        "_waiting",
        "_write",
        "cut",
        "finished",
        "outcomes",
        "values",
        "verdicts",
    )

    def __init__(
        self,
        cut: Cut,
        *,
        inputs: dict[str, object],
        caller: Caller,
        deadline: Deadline,
        client_of: ClientOf,
        clock: Clock = LOOP_CLOCK,
        relief: Relief | None = None,
        write: Callable[[Any], bytes] | None = None,
    ) -> None:
        """`write`, for a run that is only rendered, makes of each value of `cut.final` what is rendered of it, at once."""
        self.cut = cut
        self.finished = False  # true once it has come to its end; not for a screen that failed, by a bug or otherwise
        self.values: dict[int, Any] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.verdicts: dict[str, Outcome] = {}  # of each step and field, for waterfalls; what was cut has none
        self._inputs = inputs
        self._caller = caller
        self._latest = deadline.at - ANSWER_RESERVE
        self._client_of = client_of
        self._now = clock.now
        self._relief = relief
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = Tasks(self._done, clock)
        self._causes: dict[int, BaseException] = {}  # steps that have no value at all
        self._waiting = dict(cut.waiting)
        self._write = write
        self._open = len(cut.steps)  # steps and fills that have not ended

    async def go(self) -> None:
        """Run to the end; raises SectionFailed, or whatever bug a section raised. Nothing runs when this returns."""
        tasks, done = self._tasks, self._done
        try:
            now = self._now()
            for step in self.cut.first:
                if tasks.failure is None:
                    self._start(step, now)
            tasks.arm()
            if self._open:
                await done
                if tasks.failure is not None:
                    tasks.raise_failure()
            if len(self.outcomes) > 1:  # in the screen's order, not in that of finishing: equal answers are equal bytes
                self.outcomes = dict(sorted(self.outcomes.items(), key=lambda pair: self.cut.rank(pair[0])))
            self.finished = True
        except BaseException:
            done.cancel()  # without effect once it is done
            tasks.rest()
            await tasks.stop()
            raise
        tasks.rest()  # and all has ended: there is nothing to stop

    @property
    def times(self) -> dict[str, tuple[float, float]]:
        """When each step and field began and ended, in the clock's seconds; 0 for what has not ended."""
        return self._tasks.times

    @property
    def how(self) -> dict[str, How]:
        """How the task of each step, field and computed fallback ended, whatever was shown in the end."""
        return self._tasks.how

    @property
    def complete(self) -> bool:
        """Whether every section shown is plainly what its backend gave."""
        return not self.outcomes

    def shown(self) -> dict[str, Any]:
        """The screen's attributes and their values."""
        shown = self.cut.shown
        return dict(zip(shown, map(self.values.__getitem__, shown.values()), strict=True)) | self.cut.constants

    # The way of one section: start -> (value | failure -> fallback) -> its dependents and fields.

    def _start(self, step: Step, now: float) -> None:
        section, end = step.section, self._latest
        if section.scopes or self._causes or self._relief is not None:
            hindrance = self._hindrance(step)
            if hindrance is not None:
                self._fall_back(step, hindrance, now)
                return
        if section.computed is not None:  # never all there is: on a small budget a quick backend is still asked
            end -= min(FALLBACK_TIME, max(0.0, end - now) / 2)
        if section.timeout is not None and now + section.timeout < end:
            end = now + section.timeout
        if end <= now:
            self._fall_back(step, no_time(step.services), now)
            return
        job = step.job
        deadline = Deadline(end, self._now, job.key)
        given: dict[str, object] = {}
        for name, client in job.clients:
            given[name] = self._client_of(client)
        if job.others:
            self._give(given, job, deadline)
        self._tasks.start(job.function, given, deadline, job.services, now, self._ended, step)

    def _hindrance(self, step: Step) -> BaseException | None:
        """Why a section is not even started, if it is not."""
        scopes = step.section.scopes
        if scopes and not self._caller.has(scopes):
            return Forbidden(sorted(scopes))
        if self._relief is not None and step.index in self.cut.spare:
            shed = self._relief.sheds(step.calls)
            if shed is not None:
                return shed
        lost = next((need for need in step.needs if need in self._causes), None)
        return None if lost is None else NeedFailed(self._key(lost), self._causes[lost])

    def _ended(self, step: Step, value: Any, cause: BaseException | None, now: float) -> None:
        if cause is not None:
            self._fall_back(step, cause, now)
            return
        index = step.index
        # Written at once, what a section has made is freed while its memory is still in the processor's cache: of 32 screens
        # at a time, each of 800 texts, it would be gone from there by the screen's end (a quarter of all cache misses).
        write = self._write
        self.values[index] = value if write is None or index not in self.cut.final else write(value)
        self.verdicts[step.key] = OK
        if index in self.cut.leading:
            self._lead_on(index, value, now)
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    def _fall_back(self, step: Step, cause: BaseException, now: float) -> None:
        """The section failed: compute its fallback, else take the constant one, else it has no value."""
        end = min(now + FALLBACK_TIME, self._latest)
        job = step.fallback
        hopeless = isinstance(cause, Forbidden) or not self._can_compute(job) or end <= now
        if job is None or hopeless or self._spares(step):
            self._settle_without(step, cause, now)
            return
        self._launch(job, end, now, self._fell_back, (step, cause))
        self._tasks.arm()

    def _fell_back(self, whose: tuple[Step, BaseException], value: Any, second: BaseException | None, now: float) -> None:
        step, cause = whose
        if second is None:
            self._settle(step, value, stood_in(cause), now)
        else:
            self._settle_without(step, cause, now)

    def _can_compute(self, job: Job | None) -> bool:
        return job is None or not any(kind == "need" and need in self._causes for _, kind, need in job.others)

    def _spares(self, step: Step) -> bool:
        """Whether its constant fallback must do, because the computed one would ask whom there is too much to do for."""
        relief = self._relief
        return relief is not None and step.section.has_constant and relief.sheds(step.fallback_calls) is not None

    def _settle_without(self, step: Step, cause: BaseException, now: float) -> None:
        section = step.section
        if section.has_constant:
            self._settle(step, section.constant(), failed(cause) if section.nullable else stood_in(cause), now)
        elif step.fatal:
            self.verdicts[step.key] = failed(cause)
            self._tasks.fail(SectionFailed(step.key, failed(cause), cause))
        else:
            self._causes[step.index] = cause
            self._settle(step, None, failed(cause), now)

    def _settle(self, step: Step, value: object, outcome: Outcome, now: float) -> None:
        """The section has what it will have, and it is not plainly what its backend gave."""
        index = step.index
        self.values[index] = value
        self.verdicts[step.key] = outcome
        # A step that is not shown is named when its fallback stands in, for what is built on it looks plainly ok; when it
        # has no value, those that need it say so.
        if step.shown or index not in self._causes:
            self.outcomes[step.key] = outcome
        if index in self.cut.leading:
            self._lead_on(index, value, now)
        self._close_one()

    def _lead_on(self, index: int, value: object, now: float) -> None:
        """Start what waited for this step, and the fields of its items."""
        for waiting in self.cut.dependents[index]:
            self._waiting[waiting.index] -= 1
            if not self._waiting[waiting.index]:
                self._start(waiting, now)
        if value is not None and index in self.cut.fills:
            self._fill(self.cut.fills[index], value, now)
        self._tasks.arm()

    # Item fields: one task a field, started when their items are there.

    def _fill(self, fills: tuple[Fill, ...], value: object, now: float) -> None:
        for fill in fills:
            items = fill.collect(value)
            if items:
                self._open += 1
                self._start_fill(fill, items, value, now)

    def _start_fill(self, fill: Fill, items: list[Any], value: object, now: float) -> None:
        field, end = fill.field, self._latest
        if field.timeout is not None and now + field.timeout < end:
            end = now + field.timeout
        whose = (fill, items, value)
        cause: BaseException | None = None
        if not self._caller.has(field.scopes):
            cause = Forbidden(sorted(field.scopes))
        elif self._relief is not None:
            cause = self._relief.sheds(fill.services)
        if cause is None and end <= now:
            cause = no_time(fill.services)
        if cause is not None:
            self._filled(whose, None, cause, now)
        else:
            self._launch(self.cut.filled[fill], end, now, self._filled, whose, items)

    def _filled(self, whose: tuple[Fill, list[Any], object], filled: Any, cause: BaseException | None, now: float) -> None:
        fill, items, value = whose
        self.verdicts[fill.key] = OK if cause is None else failed(cause)
        if cause is not None:
            self.outcomes[fill.key] = failed(cause)
        elif len(filled) != len(items):
            place = fill.field.place
            self._tasks.fail(TypeError(f"{place}: gave {len(filled)} values for {len(items)} items; give one an item"))
            return
        else:
            name = fill.field.name
            for item, part in zip(items, filled, strict=True):
                setattr(item, name, part)
            self._fill(fill.then, value, now)
            self._tasks.arm()
        self._close_one()

    # Tasks.

    def _launch(self, job: Job, end: float, now: float, then: Then, whose: object, items: list[Any] | None = None) -> None:
        """Give a fallback's or a field's function what it takes and start it; `then` follows."""
        deadline = Deadline(end, self._now, job.key)
        given: dict[str, object] = {name: self._client_of(client) for name, client in job.clients}
        self._give(given, job, deadline, items)
        self._tasks.start(job.function, given, deadline, job.services, now, then, whose)

    def _give(self, given: dict[str, object], job: Job, deadline: Deadline, items: list[Any] | None = None) -> None:
        for name, kind, need in job.others:
            if kind == "need":
                given[name] = self.values[need]
            elif kind == "caller":
                given[name] = self._caller
            elif kind == "items":
                given[name] = items
            elif kind == "deadline":
                given[name] = deadline
            else:
                given[name] = self._inputs[name]

    # The end.

    def _close_one(self) -> None:
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    def _key(self, index: int) -> str:
        return next(step.key for step in self.cut.steps if step.index == index)
