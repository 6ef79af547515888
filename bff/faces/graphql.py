"""The GraphQL face of an app: the same screens and actions as REST, run by the same plans, executed by graphql-core.

The screens of a query are run first, all at once, each cut down to what is selected of it; the actions of a mutation one
after the other, and what is selected only shapes what they gave. Then graphql-core executes the document over that,
without waiting for anything: one null rule, one place where time is spent.
"""

import asyncio
import dataclasses
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
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
from bff.composition.render import meta, to_json
from bff.composition.shape import shape_of
from bff.errors import BffError, Forbidden, Incomplete
from bff.faces import graphql_errors
from bff.faces.action import Ask, ServedAction
from bff.faces.action_kept import REPLAYED
from bff.faces.graphql_documents import DocumentRefused, Documents
from bff.faces.graphql_schema import core_of, schema_of
from bff.faces.graphql_selection import Nodes, Reader
from bff.faces.problems import Problem
from bff.faces.screen import Raw, ServedScreen
from bff.naming import camel

_log = logging.getLogger("bff")


@dataclass(frozen=True, slots=True)
class Asked:
    """One GraphQL request, as its transport read it; `reads_only` when that transport may carry queries alone."""

    query: str
    variables: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # Any: JSON, which graphql-core coerces
    operation: str | None = None
    reads_only: bool = False
    key: str | None = None  # the Idempotency-Key that its actions are under, each with its place in the answer


@dataclass(frozen=True, slots=True)
class Answered:
    """`body` is the response map; it has `data` when `executed`, else the request itself was at fault."""

    body: dict[str, Any]  # Any: values as `to_json` writes them
    executed: bool
    outcomes: Mapping[str, Outcome] = dataclasses.field(default_factory=dict)
    replayed: bool = False  # all of it was done before, under the same key
    left: tuple[str, ...] = ()  # steps of its actions that were done and could not be undone


@dataclass(frozen=True, slots=True)
class _Ran:
    """What one screen or action gave: an object that has what was selected, or the error that stands for it."""

    value: object
    outcomes: Mapping[str, Outcome] = dataclasses.field(default_factory=dict)
    replayed: bool = False


# What an operation asks for, by the names of rate limits: the app's GraphQL once, and each screen and action as often as
# it is asked for. Raises the 429 problem, before anything runs.
Charge = Callable[[Mapping[str, int]], Awaitable[None]]


class AppSchema:
    """The schema of one app. `introspection` allows it and suggestions of names: for developers, not for the public."""

    def __init__(
        self,
        app: App,
        screens: Sequence[ServedScreen],
        actions: Sequence[ServedAction] = (),
        *,
        introspection: bool = False,
    ) -> None:
        self.strawberry: strawberry.Schema = schema_of(app, screens, _given, actions)
        self._app = app.name
        self._core = core_of(self.strawberry)
        self._fields = self._core.query_type.fields if self._core.query_type else {}
        self._changes = self._core.mutation_type.fields if self._core.mutation_type else {}
        self._screens = {served.screen.name: served for served in screens}
        self._actions = {served.action.name: served for served in actions}
        self._documents = Documents(self._core, introspection=introspection)
        self._introspection = introspection

    def sdl(self) -> str:
        """The schema in GraphQL's own language, for snapshots and people."""
        return self.strawberry.as_str()

    async def answer(self, asked: Asked, raw: Raw, request_id: str, charge: Charge | None = None) -> Answered:
        """The answer, whatever happens below; raises the 405 problem when `reads_only` is broken, and what `charge` raises.

        `raw` gives the caller, the scope that all of the operation share, and the client's budget. An action that was
        begun goes on to its end when this is cancelled; those behind it are not begun.
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
        return await self._executed(executor, asked, raw, request_id, charge)

    async def _executed(
        self, executor: Executor[Any], asked: Asked, raw: Raw, request_id: str, charge: Charge | None
    ) -> Answered:
        reader = Reader(executor.fragment_definitions, executor.variable_values)
        try:
            roots = reader.roots(executor.operation)
        except GraphQLError as error:  # a variable that a @skip or @include cannot take
            return _refused([error], request_id)
        changes = executor.operation.operation is OperationType.MUTATION
        known: Mapping[str, object] = self._actions if changes else self._screens
        wanted = {alias: nodes for alias, nodes in roots.items() if nodes[0].name.value in known}
        if charge is not None:
            await charge(self._targets(wanted))
        if changes:
            ran = await self._act_all(reader, wanted, asked, raw, request_id)
        else:
            ran = await self._run_all(reader, wanted, raw, request_id)
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
        return Answered(
            {"data": result.data, **body},
            True,
            outcomes,
            replayed=bool(ran) and all(one.replayed for one in ran.values()),
            left=tuple(step for one in ran.values() if isinstance(one.value, Incomplete) for step in one.value.left),
        )

    def _targets(self, wanted: Mapping[str, Nodes]) -> dict[str, int]:
        """How often each screen or action is asked for, by its name in rate limits; the app's GraphQL itself once."""
        counts = Counter(f"{self._app}/{nodes[0].name.value}" for nodes in wanted.values())
        return {**counts, f"{self._app}/graphql": 1}

    async def _act_all(
        self, reader: Reader, wanted: Mapping[str, Nodes], asked: Asked, raw: Raw, request_id: str
    ) -> dict[str, _Ran]:
        """Run the actions one after the other (GraphQL, October 2021, section 6.2.2); one that fails ends no other."""
        until = None if raw.budget is None else monotonic() + raw.budget
        ran: dict[str, _Ran] = {}
        for alias, nodes in wanted.items():
            ask = Ask({}, raw.caller, raw.scope, None, asked.key, f"graphql:{alias}", request_id)
            if until is not None:
                ask.budget = max(0.0, until - monotonic())
            ran[alias] = await self._act(reader, nodes, ask)
        return ran

    async def _act(self, reader: Reader, nodes: Nodes, ask: Ask) -> _Ran:
        served = self._actions[nodes[0].name.value]
        action = served.action
        try:
            _refuse_stranger(action.guests, action.scopes, ask.caller)
            field = self._changes[action.name]
            given = get_argument_values(field, nodes[0], reader.variables, hide_suggestions=not self._introspection)
            ask.inputs = _read(served, given)
            done = await served.run(ask)
        except (BffError, GraphQLError) as error:
            return _Ran(error, replayed=isinstance(error, Problem) and REPLAYED in error.headers)
        except Exception:  # noqa: BLE001 - a bug in one action must not keep the others' results from the client
            _log.exception("a bug in %s, request %s", action.place, ask.request_id)
            return _Ran(Problem("internal"))
        return _Ran(done.value, replayed=done.replayed)

    async def _run_all(self, reader: Reader, wanted: Mapping[str, Nodes], raw: Raw, request_id: str) -> dict[str, _Ran]:
        """Run the screens at once. No task raises, so none takes its siblings along."""
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
            _refuse_stranger(served.screen.guests, served.screen.scopes, raw.caller)
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


def build_schema(
    app: App, screens: Sequence[ServedScreen], actions: Sequence[ServedAction] = (), *, introspection: bool = False
) -> AppSchema:
    """The GraphQL schema of an app; raises Refusal with every fault, each with its place and its mend."""
    return AppSchema(app, screens, actions, introspection=introspection)


def _read(served: ServedAction, given: Mapping[str, Any]) -> dict[str, object]:  # Any: values that graphql-core has coerced
    """The inputs of an action; raises BadInput. A null where none may stand is one that was left out: its default holds."""
    in_path = {camel(parameter.name) for parameter in served.inputs.path}
    optional = {camel(p.name) for p in served.inputs.body if p.optional and not shape_of(p.annotation).nullable}
    body = {name: value for name, value in given.items() if name not in in_path and not (value is None and name in optional)}
    return served.inputs.parse({name: given[name] for name in in_path if name in given}, to_json(body))


def _given(ran: Mapping[str, object], info: GraphQLResolveInfo[Any], **_: object) -> object:
    """A root field's resolver: its screen has run; an error that stands for it is raised by graphql-core."""
    return ran.get(str(info.path.key))


def _never(_: object) -> TypeGuard[Any]:  # Any: one for awaitables and for iterables
    return False


def _refuse_stranger(guests: bool, scopes: frozenset[str], caller: Caller) -> None:
    """What `authorize` does for a REST path: here the path is the app's, so each screen and action is asked."""
    if caller.guest and not guests:
        raise Problem("unauthenticated", "this needs an identity")
    if not caller.has(scopes):
        raise Forbidden(sorted(scopes))


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
