"""`serve(screen, raw)`: inputs, run, render. The FastAPI route and the fast dispatcher both call it, and nothing else."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from bff.caller import GUEST, Caller
from bff.composition.engine import ClientOf, Run
from bff.composition.inputs import InputFault, Inputs
from bff.composition.plan import Plan
from bff.composition.relief import CALM, Pressure
from bff.composition.render import render
from bff.composition.selection import Selection
from bff.composition.verbatim import write
from bff.deadline import LOOP_CLOCK, Clock, Deadline
from bff.faces import wanted
from bff.faces.answer import Answer
from bff.faces.sections_header import sections_header
from bff.upstream.scope import RequestScope

# Gives a request's scope the clients bound to it.
Clients = Callable[[RequestScope], ClientOf]


class Raw(Struct):
    """One request for a screen, before anything of it is believed: names and values as they came, decoded once."""

    path: dict[str, str] = field(default_factory=dict)
    query: list[tuple[str, str]] = field(default_factory=list)
    caller: Caller = GUEST
    scope: RequestScope = field(default_factory=RequestScope)
    budget: float | None = None  # the client's own, in seconds
    runs: list[tuple[str, Run]] = field(default_factory=list)  # the runs that it began, by their screens' names
    faults: tuple[InputFault, ...] = ()  # of its headers, to be told with those of its inputs


class ServedScreen:
    """A screen of one app, ready to serve."""

    def __init__(self, plan: Plan, clients: Clients, clock: Clock = LOOP_CLOCK, pressure: Pressure = CALM) -> None:
        self.plan = plan
        self.screen = plan.screen
        self.inputs = Inputs(plan.screen.name, plan.inputs)
        self._clients = clients
        self._clock = clock
        self._pressure = pressure

    def start(
        self, raw: Raw, inputs: dict[str, object], selection: Selection | None, *, write: Callable[[Any], bytes] | None = None
    ) -> Run:
        """A run of what `selection` wants, its budget running from now; `await run.go()` is next. `write`: see Run."""
        budget = self.screen.budget if raw.budget is None else min(self.screen.budget, raw.budget)
        run = Run(
            self.plan.only(selection),
            inputs=inputs,
            caller=raw.caller,
            deadline=Deadline.after(budget, self._clock),
            client_of=self._clients(raw.scope),
            clock=self._clock,
            relief=self._pressure.relief,
            write=write,
        )
        raw.runs.append((self.screen.name, run))
        return run

    async def run(self, raw: Raw, inputs: dict[str, object], selection: Selection | None) -> Run:
        """Run what `selection` wants; raises SectionFailed when a required section failed."""
        run = self.start(raw, inputs, selection)
        await run.go()
        return run


async def serve(screen: ServedScreen, raw: Raw) -> Answer:
    """One screen, whole: raises BadInput for inputs that do not fit and SectionFailed for a screen that failed."""
    selection, inputs = wanted.read(screen, raw)
    run = screen.start(raw, inputs, selection, write=write)
    await run.go()
    body = render(screen.screen.type, selection, run.shown(), run.outcomes)
    answer = Answer(200, body, outcomes=run.outcomes)
    if run.outcomes:
        answer.headers.append((b"bff-sections", sections_header(run.outcomes)))
    return answer
