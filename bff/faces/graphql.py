"""The GraphQL face of an app: the same screens as REST, run by the same plans, executed by graphql-core.

The screens of an operation are run first, all at once, each cut down to what is selected of it. Then graphql-core
executes the document over what they gave, without waiting for anything: one null rule, one place where time is spent.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeGuard

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLResolveInfo,
    OperationType,
    get_argument_values,
    get_operation_ast,
)

from bff.apps import App
from bff.caller import Caller
from bff.composition.engine import SectionFailed
from bff.composition.outcome import Outcome
from bff.composition.render import meta
from bff.composition.screen import Screen
from bff.errors import BffError, Forbidden
from bff.faces import graphql_errors
from bff.faces.graphql_documents import DocumentRefused, Documents
from bff.faces.graphql_schema import core_of, schema_of
from bff.faces.graphql_selection import Nodes, Reader
from bff.faces.problems import Problem
from bff.faces.screen import Raw, ServedScreen

_log = logging.getLogger("bff")


@dataclass(frozen=True, slots=True)
class Asked:
    """One GraphQL request, as its transport read it; `reads_only` when that transport may carry queries alone."""

    query: str
    variables: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # Any: JSON, which graphql-core coerces
    operation: str | None = None
    reads_only: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """`body` is the response map; it has `data` when `executed`, else the request itself was at fault."""

    body: dict[str, Any]  # Any: values as `to_json` writes them
    executed: bool
    outcomes: Mapping[str, Outcome] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ran:
    """What one screen gave: an object whose attributes are what was selected, or the error that stands for it."""

    value: object
    outcomes: Mapping[str, Outcome] = dataclasses.field(default_factory=dict)


class AppSchema:
    """The schema of one app. `introspection` allows it and suggestions of names: for developers, not for the public."""

    def __init__(self, app: App, screens: Sequence[ServedScreen], *, introspection: bool = False) -> None:
        self.strawberry: strawberry.Schema = schema_of(app, screens, _given)
        self._core = core_of(self.strawberry)
        self._fields = self._core.query_type.fields if self._core.query_type else {}
        self._screens = {served.screen.name: served for served in screens}
        self._documents = Documents(self._core, introspection=introspection)
        self._introspection = introspection

    def sdl(self) -> str:
        """The schema in GraphQL's own language, for snapshots and people."""
        return self.strawberry.as_str()

    async def answer(self, asked: Asked, raw: Raw, request_id: str) -> Answered:
        """The answer, whatever happens below; raises the 405 problem when `reads_only` is broken.

        `raw` gives the caller, the scope that all screens of the operation share, and the client's budget.
        """
        try:
            document = self._documents.read(asked.query)
        except DocumentRefused as refused:
            _refuse_writes(asked, refused.document)
            return _refused(refused.errors, request_id)
        _refuse_writes(asked, document)
        executor = Executor.build(
            self._core,
            document,
            raw_variable_values=dict(asked.variables),
            operation_name=asked.operation,
            is_awaitable=_never,  # the screens have run before, so that nothing is left to wait for
            is_async_iterable=_never,
            hide_suggestions=not self._introspection,
        )
        if isinstance(executor, list):
            return _refused(executor, request_id)
        return await self._executed(executor, raw, request_id)

    async def _executed(self, executor: Executor[Any], raw: Raw, request_id: str) -> Answered:
        reader = Reader(executor.fragment_definitions, executor.variable_values)
        try:
            roots = reader.roots(executor.operation)
        except GraphQLError as error:  # a variable that a @skip or @include cannot take
            return _refused([error], request_id)
        ran = await self._run_all(reader, roots, raw, request_id)
        executor.root_value = {alias: one.value for alias, one in ran.items()}
        result = executor.execute_operation()
        if not isinstance(result, ExecutionResult):
            raise TypeError("graphql-core waits for something, though all was there before it began")
        if result.data is None:  # every root field may be null, so this is the request's fault: no such operation type
            return _refused(result.errors or (), request_id)
        outcomes = {
            f"{alias}.{place}": outcome
            for alias, one in ran.items()
            for key, outcome in one.outcomes.items()
            for place in reader.places(roots[alias], key) or [key]  # a step that is not shown has no place of its own
        }
        body = _body(list(graphql_errors.of_fields(result.errors or (), request_id)), outcomes)
        return Answered({"data": result.data, **body}, True, outcomes)

    async def _run_all(self, reader: Reader, roots: Mapping[str, Nodes], raw: Raw, request_id: str) -> dict[str, _Ran]:
        """Run the screens at once. No task raises, so none takes its siblings along."""
        wanted = {alias: nodes for alias, nodes in roots.items() if nodes[0].name.value in self._screens}
        ran: dict[str, _Ran] = {}

        async def run(alias: str, nodes: Nodes) -> None:
            ran[alias] = await self._run(reader, nodes, raw, request_id)

        if len(wanted) == 1:
            await run(*next(iter(wanted.items())))  # most operations: a task would only cost
        else:
            async with asyncio.TaskGroup() as group:
                for alias, nodes in wanted.items():
                    group.create_task(run(alias, nodes))
        return ran

    async def _run(self, reader: Reader, nodes: Nodes, raw: Raw, request_id: str) -> _Ran:
        served = self._screens[nodes[0].name.value]
        try:
            _refuse_stranger(served.screen, raw.caller)
            field = self._fields[served.screen.name]
            given = get_argument_values(field, nodes[0], reader.variables, hide_suggestions=not self._introspection)
            inputs = served.inputs.parse(given)
            run = await served.run(raw, inputs, reader.selection(served.screen.type, nodes))
        except SectionFailed as error:
            return _Ran(error, {error.section: error.outcome})
        except (BffError, GraphQLError) as error:
            return _Ran(error)
        except Exception:  # noqa: BLE001 - a bug in one screen must not take its siblings along
            _log.exception("a bug in %s, request %s", served.screen.place, request_id)
            return _Ran(Problem("internal"))
        return _Ran(SimpleNamespace(**run.shown()), run.outcomes)


def build_schema(app: App, screens: Sequence[ServedScreen], *, introspection: bool = False) -> AppSchema:
    """The GraphQL schema of an app; raises Refusal with every fault, each with its place and its mend."""
    return AppSchema(app, screens, introspection=introspection)


def _given(ran: Mapping[str, object], info: GraphQLResolveInfo[Any], **_: object) -> object:
    """A root field's resolver: its screen has run; an error that stands for it is raised by graphql-core."""
    return ran.get(str(info.path.key))


def _never(_: object) -> TypeGuard[Any]:  # Any: one for awaitables and for iterables
    return False


def _refuse_stranger(screen: Screen, caller: Caller) -> None:
    """What `authorize` does for a screen's REST path: here the path is the app's, so each screen is asked."""
    if caller.guest and not screen.guests:
        raise Problem("unauthenticated", "this screen needs an identity")
    if not caller.has(screen.scopes):
        raise Forbidden(sorted(screen.scopes))


def _refuse_writes(asked: Asked, document: DocumentNode | None) -> None:
    if asked.reads_only and document is not None:
        operation = get_operation_ast(document, asked.operation)
        if operation is not None and operation.operation is not OperationType.QUERY:
            raise Problem("method-not-allowed", "GET carries queries only", headers=[(b"allow", b"POST")])


def _refused(errors: Sequence[GraphQLError], request_id: str) -> Answered:
    return Answered(_body(graphql_errors.of_request(errors, request_id), {}), False)


def _body(errors: list[graphql_errors.Formatted], outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    verdict = meta(outcomes)
    verdict["complete"] = verdict["complete"] and not errors
    return {"errors": errors, "extensions": verdict} if errors else {"extensions": verdict}
