"""An app's GraphQL behind its one path: POST with JSON, and GET for queries."""

import dataclasses
from collections.abc import Mapping, Sequence

from bff.apps import App
from bff.composition.outcome import Outcome
from bff.composition.render import to_json
from bff.faces.action import ServedAction
from bff.faces.action_kept import REPLAYED
from bff.faces.answer import Answer
from bff.faces.graphql import Answered, Asked, Charge, build_schema
from bff.faces.graphql_request import GRAPHQL, from_body, from_query, media_type
from bff.faces.screen import Raw, ServedScreen
from bff.faces.sections_header import sections_header
from bff.gateway.action_endpoint import MAX_BODY as MAX_BODY
from bff.gateway.action_endpoint import key_of
from bff.gateway.body import read_body
from bff.gateway.quota import Quota
from bff.gateway.request import Request
from bff.gateway.screen_endpoint import budget_of, work_of
from bff.gateway.watch import while_connected
from bff.priority import Priority
from bff.settings import LimitSettings

# The verdicts are in the body too; proxies drop answers whose headers pass 8 KB, and aliases can make many of them.
MAX_HEADER = 2048


class GraphQLEndpoint:
    """All screens and actions of one app. Guests may come in: each of them is asked by itself whether they may have it.

    `quota` charges each operation for what it asks for; it is made of all endpoints, so it may be set after them.
    """

    methods = ("GET", "POST")
    guests = True
    counted = False  # by what the operation asks for
    account = None
    priority: Priority = "normal"  # which screens it asks for is known when its body is read, and that is too late
    scopes: frozenset[str] = frozenset()

    def __init__(
        self,
        app: App,
        screens: Sequence[ServedScreen],
        limits: LimitSettings,
        *,
        actions: Sequence[ServedAction] = (),
        quota: Quota | None = None,
        introspection: bool = False,
    ) -> None:
        self.app = app.name
        self.name = f"{app.name}/graphql"
        self.owner = app.owner
        self.identities = frozenset(app.identities)
        self.template = app.graphql_path
        self.schema = build_schema(app, screens, actions, introspection=introspection)
        self.quota = quota
        self._limits = limits

    async def answer(self, request: Request) -> Answer:
        media = media_type(request.header(b"accept"))
        budget = budget_of(request)
        asked = await self._asked(request)
        raw = Raw(caller=request.caller, scope=work_of(request), budget=budget)
        request.runs = raw.runs
        answering = self.schema.answer(asked, raw, request.id, self._charge(request))
        answered = await while_connected(request.receive, answering)  # what an action has begun goes on by itself
        request.outcomes = answered.outcomes
        if answered.left:
            request.refused = f"incomplete: {', '.join(answered.left)}"
        if request.work.trace is not None:
            for error in answered.body.get("errors", ()):
                error["extensions"]["traceId"] = request.work.trace.trace_id
        return _answer(answered, media)

    def _charge(self, request: Request) -> Charge | None:
        quota = self.quota
        return None if quota is None else lambda targets: quota.charge(request, targets)

    async def _asked(self, request: Request) -> Asked:
        if request.method == "GET":
            return from_query(request.scope["query_string"])
        body = await read_body(request, min(self._limits.max_body, MAX_BODY))
        return dataclasses.replace(from_body(request.header(b"content-type"), body), key=key_of(request))


def _answer(answered: Answered, media: str) -> Answer:
    """GraphQL's own media type tells a request at fault by its status; the older one is always 200."""
    status = 400 if media == GRAPHQL and not answered.executed else 200
    answer = Answer(status, to_json(answered.body), f"{media}; charset=utf-8".encode(), outcomes=answered.outcomes)
    if answered.replayed:
        answer.headers.append(REPLAYED)
    if answered.outcomes:
        answer.headers.append((b"bff-sections", _header(answered.outcomes)))
    return answer


def _header(outcomes: Mapping[str, Outcome]) -> bytes:
    """As many verdicts as fit."""
    whole = sections_header(outcomes)
    if len(whole) <= MAX_HEADER:
        return whole
    kept: dict[str, Outcome] = {}
    size = 0
    for key, outcome in outcomes.items():
        size += len(sections_header({key: outcome})) + len(b", ")
        if size > MAX_HEADER:
            break
        kept[key] = outcome
    return sections_header(kept)
