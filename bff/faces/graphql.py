"""The GraphQL face of an app: the same screens and actions as REST, run by the same plans, executed by graphql-core.

The screens of a query are run first, all at once, each cut down to what is selected of it; the actions of a mutation one
after the other, and what is selected only shapes what they gave. Then graphql-core executes the document over that,
without waiting for anything: one null rule, one place where time is spent.
"""

import dataclasses
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLResolveInfo,
    OperationType,
    get_operation_ast,
)

from bff.apps import App
from bff.composition.outcome import Outcome
from bff.composition.render import meta
from bff.errors import Incomplete
from bff.faces import graphql_errors
from bff.faces.action import ServedAction
from bff.faces.graphql_documents import DocumentRefused, Documents
from bff.faces.graphql_mutation import Mutation
from bff.faces.graphql_query import Query
from bff.faces.graphql_schema import core_of, schema_of
from bff.faces.graphql_selection import Nodes, Reader
from bff.faces.problems import Problem
from bff.faces.screen import Raw, ServedScreen


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
        self._query = Query(self._core.query_type, screens, hide_suggestions=not introspection)
        self._mutation = Mutation(self._core.mutation_type, actions, hide_suggestions=not introspection)
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
        known: Mapping[str, object] = self._mutation.actions if changes else self._query.screens
        wanted = {alias: nodes for alias, nodes in roots.items() if nodes[0].name.value in known}
        if charge is not None:
            await charge(self._targets(wanted))
        if changes:
            ran = await self._mutation.run(reader, wanted, raw, asked.key, request_id)
        else:
            ran = await self._query.run(reader, wanted, raw, request_id)
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


def build_schema(
    app: App, screens: Sequence[ServedScreen], actions: Sequence[ServedAction] = (), *, introspection: bool = False
) -> AppSchema:
    """The GraphQL schema of an app; raises Refusal with every fault, each with its place and its mend."""
    return AppSchema(app, screens, actions, introspection=introspection)


def _given(ran: Mapping[str, object], info: GraphQLResolveInfo[Any], **_: object) -> object:
    """A root field's resolver: its screen has run; an error that stands for it is raised by graphql-core."""
    return ran.get(str(info.path.key))


def _never(_: object) -> TypeGuard[Any]:  # Any: one for awaitables and for iterables
    return False


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
