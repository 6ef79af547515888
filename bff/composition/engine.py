"""Runs the wanted steps of a plan: everything that can start does, nothing outlives the answer.

Every running section owns one task. There is no task that waits for tasks: a section's end starts what waited for it,
and the last one resolves the request's future. So one hung section holds up its dependents and nothing else, and
stopping is one loop over what still runs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bff.caller import Caller
from bff.composition.budget import ANSWER_RESERVE, FALLBACK_TIME
from bff.composition.fill import Fill
from bff.composition.outcome import OK, NeedFailed, Outcome, failed, root_cause, stood_in
from bff.composition.plan import Cut, Step
from bff.composition.signature import Parameter
from bff.composition.tasks import Tasks, Then, no_time
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
        "_clock",
        "_deadline",
        "_done",
        "_inputs",
        "_open",
        "_tasks",
        "_waiting",
        "cut",
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
    ) -> None:
        self.cut = cut
        self.values: dict[int, Any] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.verdicts: dict[str, Outcome] = {}  # of each step and field, for waterfalls; what was cut has none
        self._inputs = inputs
        self._caller = caller
        self._deadline = deadline
        self._client_of = client_of
        self._clock = clock
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = Tasks(self._done, clock)
        self._causes: dict[int, BaseException] = {}  # steps that have no value at all
        self._waiting = dict(cut.waiting)
        self._open = len(cut.steps)  # steps and fills that have not ended

    async def go(self) -> None:
        """Run to the end; raises SectionFailed, or whatever bug a section raised. Nothing runs when this returns."""
        try:
            for step in self.cut.first:
                if not self._done.done():
                    self._start(step)
            if self._open:
                await self._done
            if len(self.outcomes) > 1:  # in the screen's order, not in that of finishing: equal answers are equal bytes
                self.outcomes = dict(sorted(self.outcomes.items(), key=lambda pair: self.cut.rank(pair[0])))
        finally:
            self._done.cancel()  # without effect once it is done
            await self._tasks.stop()

    @property
    def times(self) -> dict[str, tuple[float, float]]:
        """When each step and field began and ended, in the clock's seconds; 0 for what has not ended."""
        return self._tasks.times

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
        if section.scopes and not self._caller.has(section.scopes):
            self._fall_back(step, Forbidden(sorted(section.scopes)))
            return
        if self._causes:
            lost = next((need for need in step.needs if need in self._causes), None)
            if lost is not None:
                self._fall_back(step, NeedFailed(self._key(lost), self._causes[lost]))
                return
        now = self._clock.now()
        latest = self._deadline.at - ANSWER_RESERVE
        if section.computed is not None:  # never all there is: on a small budget a quick backend is still asked
            latest -= min(FALLBACK_TIME, max(0.0, latest - now) / 2)
        end = latest if section.timeout is None else min(now + section.timeout, latest)
        if end <= now:
            self._fall_back(step, no_time(step.services))
            return

        def ended(value: Any, cause: BaseException | None) -> None:
            if cause is None:
                self._settle(step, value, OK)
            else:
                self._fall_back(step, cause)

        self._launch(step.key, section.function, step.takes, step.services, end, ended)

    def _fall_back(self, step: Step, cause: BaseException) -> None:
        """The section failed: compute its fallback, else take the constant one, else it has no value."""
        now = self._clock.now()
        end = min(now + FALLBACK_TIME, self._deadline.at - ANSWER_RESERVE)
        computed = step.section.computed
        hopeless = isinstance(cause, Forbidden) or not self._can_compute(step) or end <= now
        if computed is None or hopeless:
            self._settle_without(step, cause)
            return

        def ended(value: Any, second: BaseException | None) -> None:
            if second is None:
                self._settle(step, value, stood_in(cause))
            else:
                self._settle_without(step, cause)

        self._launch(f"{step.key} (fallback)", computed, step.fallback_takes, step.services, end, ended)

    def _can_compute(self, step: Step) -> bool:
        return not any(
            parameter.section is not None and self.cut.index_of[parameter.section] in self._causes
            for parameter in step.fallback_takes
        )

    def _settle_without(self, step: Step, cause: BaseException) -> None:
        section = step.section
        if section.has_constant:
            self._settle(step, section.constant(), failed(cause) if section.nullable else stood_in(cause))
        elif step.fatal:
            self.verdicts[step.key] = failed(cause)
            self._tasks.fail(SectionFailed(step.key, failed(cause), cause))
        else:
            self._causes[step.index] = cause
            self._settle(step, None, failed(cause))

    def _settle(self, step: Step, value: object, outcome: Outcome) -> None:
        """The section has what it will have: note it, start what waited for it and the fields of its items."""
        self.values[step.index] = value
        self.verdicts[step.key] = outcome
        # A step that is not shown is named when its fallback stands in, for what is built on it looks plainly ok; when it
        # has no value, those that need it say so.
        if outcome is not OK and (step.shown or step.index not in self._causes):
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
        field, now = fill.field, self._clock.now()
        latest = self._deadline.at - ANSWER_RESERVE
        end = latest if field.timeout is None else min(now + field.timeout, latest)

        def ended(filled: Any, cause: BaseException | None) -> None:
            self.verdicts[fill.key] = OK if cause is None else failed(cause)
            if cause is not None:
                self.outcomes[fill.key] = failed(cause)
            elif len(filled) != len(items):
                self._tasks.fail(
                    TypeError(f"{field.place}: gave {len(filled)} values for {len(items)} items; give one an item")
                )
                return
            else:
                for item, part in zip(items, filled, strict=True):
                    setattr(item, field.name, part)
                self._fill(fill.then, value)
            self._close_one()

        if not self._caller.has(field.scopes):
            ended(None, Forbidden(sorted(field.scopes)))
        elif end <= now:
            ended(None, no_time(fill.services))
        else:
            self._launch(fill.key, field.function, fill.takes, fill.services, end, ended, items)

    # Tasks.

    def _launch(
        self,
        key: str,
        function: Callable[..., Awaitable[Any]],
        takes: tuple[Parameter, ...],
        services: tuple[str, ...],
        end: float,
        then: Then,
        items: list[Any] | None = None,
    ) -> None:
        deadline = Deadline(end, self._clock.now)
        given = {parameter.name: self._argument(parameter, deadline, items) for parameter in takes}
        self._tasks.start(key, function, given, deadline, services, then)

    def _argument(self, parameter: Parameter, deadline: Deadline, items: list[Any] | None) -> object:
        match parameter.kind:
            case "need":
                return self.values[self.cut.index_of[parameter.section]] if parameter.section is not None else None
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

    # The end.

    def _close_one(self) -> None:
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    def _key(self, index: int) -> str:
        return next(step.key for step in self.cut.steps if step.index == index)
