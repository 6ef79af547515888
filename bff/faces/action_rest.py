"""`serve_action(action, raw)`: an action's REST answer, from path, query and body to bytes."""

from dataclasses import dataclass, field

from bff.caller import GUEST, Caller
from bff.composition.inputs import BadInput, InputFault
from bff.composition.render import render
from bff.composition.shape import attributes
from bff.faces.action import Ask, Ran, ServedAction
from bff.faces.action_kept import REPLAYED
from bff.faces.answer import Answer
from bff.faces.json_body import read_object
from bff.faces.wanted import refuse
from bff.upstream.scope import RequestScope

# What stands for a body that was not sent, where none is needed.
_EMPTY = b"{}"


@dataclass(slots=True)
class RawAction:
    """One request for an action, before anything of it is believed."""

    path: dict[str, str] = field(default_factory=dict)
    query: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    caller: Caller = GUEST
    scope: RequestScope = field(default_factory=RequestScope)
    budget: float | None = None  # the client's own, in seconds
    key: str | None = None  # its Idempotency-Key
    request_id: str = ""
    faults: tuple[InputFault, ...] = ()  # of its headers, to be told with those of its inputs


async def serve_action(served: ServedAction, raw: RawAction) -> Answer:
    """One action, whole; raises BadInput with every fault of path, query, headers and body before anything is called."""
    inputs = _inputs(served, raw)
    ask = Ask(inputs, raw.caller, raw.scope, raw.budget, raw.key, request_id=raw.request_id)
    return answer_of(served, await served.run(ask))


def answer_of(served: ServedAction, ran: Ran) -> Answer:
    """What was done, in a screen's envelope: it is always complete."""
    kind = served.planned.type
    values = {name: getattr(ran.value, name) for name in attributes(kind)}
    return Answer(served.action.status, render(kind, None, values, {}), headers=[REPLAYED] if ran.replayed else [])


def _inputs(served: ServedAction, raw: RawAction) -> dict[str, object]:
    body = raw.body or (_EMPTY if not served.inputs.body else b"")
    read_object(body)
    faults = [InputFault(name, "is not taken in the query; an action's inputs stand in path and body") for name, _ in raw.query]
    inputs: dict[str, object] = {}
    try:
        inputs = served.inputs.parse(raw.path, body)
    except BadInput as bad:
        faults.extend(bad.faults)
    refuse(raw.faults, faults)
    return inputs
