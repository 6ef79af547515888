"""`run(screen, fakes=[...])`: a screen without sockets, as a composer's test wants it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bff.caller import GUEST, Caller
from bff.composition.build import plan_of
from bff.composition.field import Field
from bff.composition.outcome import OK, Outcome
from bff.composition.screen import Screen
from bff.deadline import LOOP_CLOCK, Clock
from bff.faces.screen import Raw, ServedScreen, serve
from bff.testing.clock import ManualClock
from bff.upstream.client import Client
from bff.upstream.scope import RequestScope


@dataclass(frozen=True, slots=True)
class Result:
    """What a client would have got: `data` as decoded JSON, `outcomes` of the sections that are not plainly ok."""

    data: dict[str, Any]  # Any: JSON of the screen's shape
    outcomes: Mapping[str, Outcome]

    @property
    def complete(self) -> bool:
        return not self.outcomes

    def outcome(self, section: str) -> Outcome:
        """The verdict of one section, `ok` included."""
        return self.outcomes.get(section, OK)


async def run(
    screen: Screen,
    *,
    fakes: Iterable[Client] = (),
    fields: Iterable[Field] = (),
    caller: Caller = GUEST,
    inputs: Mapping[str, str | list[str]] | None = None,
    deadline: float | None = None,
    clock: Clock = LOOP_CLOCK,
) -> Result:
    """Run a screen with fakes in place of its clients.

    `fakes` are instances of subclasses of the clients that the screen uses. `inputs` are the path and query parameters
    by the client's names, `sections` and `fields` among them. `deadline` is the client's own budget in seconds. With a
    ManualClock (and fakes that await `clock.sleep`) slow backends take no time. Raises SectionFailed when a required
    section failed, BadInput for inputs that do not fit, and whatever bug a section raised.
    """
    served = ServedScreen(plan_of(screen, fields), lambda _: Fakes(fakes).of, clock)
    in_path = {n: str(value) for n, value in (inputs or {}).items() if served.inputs.in_path(n, screen.parameters)}
    query = [
        (name, item)
        for name, value in (inputs or {}).items()
        if name not in in_path
        for item in ([value] if isinstance(value, str) else value)
    ]
    working = serve(served, Raw(in_path, query, caller, RequestScope(), deadline))
    answer = await (clock.drive(working) if isinstance(clock, ManualClock) else working)
    return Result(orjson.loads(answer.body)["data"], answer.outcomes)


class Fakes:
    """The fakes of one run, all in one request's scope."""

    def __init__(self, fakes: Iterable[Client]) -> None:
        self._fakes = tuple(fakes)
        scope = RequestScope()
        for fake in self._fakes:
            fake.scope = scope

    def of(self, cls: type[Client]) -> Client:
        for fake in self._fakes:
            if isinstance(fake, cls):
                return fake
        raise TypeError(f"the screen uses {cls.__name__}; pass a fake of it: `class Fake{cls.__name__}({cls.__name__})`")
