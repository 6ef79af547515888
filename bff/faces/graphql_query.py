"""The screens of a query, all at once, each cut down to what is selected of it."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from graphql import GraphQLError, GraphQLObjectType, get_argument_values

from bff.composition.engine import SectionFailed
from bff.errors import BffError
from bff.faces.graphql_ran import Ran, refuse_stranger
from bff.faces.graphql_selection import Nodes, Reader
from bff.faces.problems import Problem
from bff.faces.screen import Raw, ServedScreen

_log = logging.getLogger("bff")


class Query:
    """The query type of one app: its `screens` by their names. `kind` is None when it has none."""

    def __init__(self, kind: GraphQLObjectType | None, screens: Sequence[ServedScreen], *, hide_suggestions: bool) -> None:
        self.screens = {served.screen.name: served for served in screens}
        self._fields = kind.fields if kind else {}
        self._hide = hide_suggestions

    async def run(self, reader: Reader, wanted: Mapping[str, Nodes], raw: Raw, request_id: str) -> dict[str, Ran]:
        """Run the screens at once. No task raises, so none takes its siblings along."""
        ran: dict[str, Ran] = {}

        async def one(alias: str, nodes: Nodes) -> None:
            ran[alias] = await self._run(reader, nodes, raw, request_id)

        if len(wanted) == 1:
            await one(*next(iter(wanted.items())))  # most operations: a task would only cost
        else:
            async with asyncio.TaskGroup() as group:
                for alias, nodes in wanted.items():
                    group.create_task(one(alias, nodes))
        return ran

    async def _run(self, reader: Reader, nodes: Nodes, raw: Raw, request_id: str) -> Ran:
        served = self.screens[nodes[0].name.value]
        try:
            refuse_stranger(served.screen.guests, served.screen.scopes, raw.caller)
            field = self._fields[served.screen.name]
            given = get_argument_values(field, nodes[0], reader.variables, hide_suggestions=self._hide)
            inputs = served.inputs.parse(given)
            run = await served.run(raw, inputs, reader.selection(served.screen.type, nodes))
        except SectionFailed as error:
            return Ran(error, {error.section: error.outcome})
        except (BffError, GraphQLError) as error:
            return Ran(error)
        except Exception:  # noqa: BLE001 - a bug in one screen must not take its siblings along
            _log.exception("a bug in %s, request %s", served.screen.place, request_id)
            return Ran(Problem("internal"))
        return Ran(SimpleNamespace(**run.shown()), run.outcomes)
