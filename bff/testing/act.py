"""`act(action, fakes=[...])`: an action as the gateway runs it, without sockets: inputs validated, steps undone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bff.caller import GUEST, Caller
from bff.composition.action import Action
from bff.composition.action_plan import plan_action
from bff.deadline import LOOP_CLOCK, Clock
from bff.faces.action import ServedAction
from bff.faces.action_rest import RawAction, serve_action
from bff.naming import camel
from bff.state.idempotency import Idempotency
from bff.testing.clock import ManualClock
from bff.testing.run import Fakes
from bff.upstream.client import Client


@dataclass(frozen=True, slots=True)
class Done:
    """What a client would have got: `data` as decoded JSON. `replayed`: of the first request with the same key."""

    data: dict[str, Any]  # Any: JSON of the action's shape
    status: int
    replayed: bool


async def act(
    action: Action[..., Any],
    *,
    fakes: Iterable[Client] = (),
    caller: Caller = GUEST,
    inputs: Mapping[str, object] | None = None,
    key: str = "test",
    keys: Idempotency | None = None,
    deadline: float | None = None,
    clock: Clock = LOOP_CLOCK,
) -> Done:
    """Run an action with fakes in place of its clients, and undo its steps when it fails.

    `fakes` are instances of subclasses of the clients that it uses. `inputs` are path parameters and members of the body
    by the client's names. `key` is the client's Idempotency-Key, `keys` what is remembered of earlier ones (nothing, by
    default), `deadline` the client's own budget in seconds. Raises BadInput for inputs that do not fit, ActionFailed (its
    `cause` says why, `undone` what was undone), Incomplete, and whatever bug the action raised.
    """
    planned = plan_action(action)
    served = ServedAction(planned, lambda _: Fakes(fakes).of, keys, clock=clock)
    given = dict(inputs or {})
    in_path = {parameter for parameter in map(camel, action.parameters) if parameter in given}
    path = {name: str(given.pop(name)) for name in in_path}
    body = orjson.dumps(given) if planned.inputs.body or given else b""
    working = serve_action(served, RawAction(path, [], body, caller, budget=deadline, key=key))
    answer = await (clock.drive(working) if isinstance(clock, ManualClock) else working)
    replayed = any(name == b"idempotency-replayed" for name, _ in answer.headers)
    return Done(orjson.loads(answer.body)["data"], answer.status, replayed)
