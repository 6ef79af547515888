"""The actions of a mutation, one after the other, each with its own result or error."""

import logging
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, get_argument_values

from bff.composition.render import to_json
from bff.composition.shape import shape_of
from bff.errors import BffError
from bff.faces.action import Ask, ServedAction
from bff.faces.action_kept import REPLAYED
from bff.faces.graphql_ran import Ran, refuse_stranger
from bff.faces.graphql_selection import Nodes, Reader
from bff.faces.problems import Problem
from bff.faces.screen import Raw
from bff.naming import camel

_log = logging.getLogger("bff")


class Mutation:
    """The mutation type of one app: its `actions` by their names. `kind` is None when it has none."""

    def __init__(self, kind: GraphQLObjectType | None, actions: Sequence[ServedAction], *, hide_suggestions: bool) -> None:
        self.actions = {served.action.name: served for served in actions}
        self._changes = kind.fields if kind else {}
        self._hide = hide_suggestions

    async def run(
        self, reader: Reader, wanted: Mapping[str, Nodes], raw: Raw, key: str | None, request_id: str
    ) -> dict[str, Ran]:
        """Run the actions one after the other (GraphQL, October 2021, section 6.2.2); one that fails ends no other.

        `key` is the request's Idempotency-Key; with it each has its place in the answer.
        """
        until = None if raw.budget is None else monotonic() + raw.budget
        ran: dict[str, Ran] = {}
        for alias, nodes in wanted.items():
            ask = Ask({}, raw.caller, raw.scope, None, key, f"graphql:{alias}", request_id)
            if until is not None:
                ask.budget = max(0.0, until - monotonic())
            ran[alias] = await self._act(reader, nodes, ask)
        return ran

    async def _act(self, reader: Reader, nodes: Nodes, ask: Ask) -> Ran:
        served = self.actions[nodes[0].name.value]
        action = served.action
        try:
            refuse_stranger(action.guests, action.scopes, ask.caller)
            field = self._changes[action.name]
            given = get_argument_values(field, nodes[0], reader.variables, hide_suggestions=self._hide)
            ask.inputs = _read(served, given)
            done = await served.run(ask)
        except (BffError, GraphQLError) as error:
            return Ran(error, replayed=isinstance(error, Problem) and REPLAYED in error.headers)
        except Exception:  # noqa: BLE001 - a bug in one action must not keep the others' results from the client
            _log.exception("a bug in %s, request %s", action.place, ask.request_id)
            return Ran(Problem("internal"))
        return Ran(done.value, replayed=done.replayed)


def _read(served: ServedAction, given: Mapping[str, Any]) -> dict[str, object]:  # Any: values that graphql-core has coerced
    """The inputs of an action; raises BadInput. A null where none may stand is one that was left out: its default holds."""
    in_path = {camel(parameter.name) for parameter in served.inputs.path}
    optional = {camel(p.name) for p in served.inputs.body if p.optional and not shape_of(p.annotation).nullable}
    body = {name: value for name, value in given.items() if name not in in_path and not (value is None and name in optional)}
    return served.inputs.parse({name: given[name] for name in in_path if name in given}, to_json(body))
