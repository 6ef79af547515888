"""GraphQL over HTTP through the gateway's whole order: media types, methods, bodies, and what the log gets."""

import asyncio
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from bff import BackendTimeout, Caller
from bff.composition.build import plan_of
from bff.composition.engine import ClientOf
from bff.faces.answer import Answer
from bff.faces.problems import Problem
from bff.faces.screen import ServedScreen
from bff.gateway.body import ClientGone
from bff.gateway.graphql_endpoint import MAX_HEADER, GraphQLEndpoint
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.request import Request
from bff.gateway.stack import Stack
from bff.identity.jwt import JwtVerifier
from bff.observe.logs import AccessLog
from bff.settings import LimitSettings
from bff.testing import ManualClock
from bff.upstream.scope import CallRecord, RequestScope
from tests.faces.graphql_kit import APP, REQUEST_ID, TIMEOUT, FakeWords, page, served

LIMITS = LimitSettings()
GRAPHQL = "application/graphql-response+json"
JSON_BODY = {"content-type": "application/json"}


class Connection:
    """What a server hands to the app: the body's messages, then silence until the client hangs up."""

    def __init__(self, *parts: bytes) -> None:
        self._messages = [
            {"type": "http.request", "body": part, "more_body": n < len(parts) - 1} for n, part in enumerate(parts)
        ]
        self.hung_up = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._messages:
            return self._messages.pop(0)
        await self.hung_up.wait()
        return {"type": "http.disconnect"}


def request(
    method: str,
    connection: Connection,
    headers: dict[str, str],
    query: str = "",
    caller: Caller = Caller(),  # noqa: B008
) -> Request:
    scope = {
        "type": "http",
        "method": method,
        "path": APP.graphql_path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    return Request(scope, connection.receive, monotonic(), id=REQUEST_ID, caller=caller)


def endpoint(*screens: ServedScreen, limits: LimitSettings = LIMITS) -> GraphQLEndpoint:
    return GraphQLEndpoint(APP, screens or (served(page("/page")),), limits)


async def post(one: GraphQLEndpoint, body: object, headers: dict[str, str] | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return await one.answer(request("POST", Connection(raw), JSON_BODY | (headers or {})))


async def get(one: GraphQLEndpoint, headers: dict[str, str] | None = None, **parameters: str) -> Answer:
    return await one.answer(request("GET", Connection(b""), headers or {}, urlencode(parameters)))


async def problem(asking: Any) -> Problem:  # Any: a coroutine
    with pytest.raises(Problem) as raised:
        await asking
    return raised.value


def data(answer: Answer) -> Any:  # Any: JSON
    return orjson.loads(answer.body)["data"]


HEAD = {"query": "{ page { head } }"}


def test_it_stands_at_the_apps_path_and_lets_guests_in() -> None:
    one = endpoint()
    assert (one.app, one.template, one.methods) == ("mobile", "/mobile/graphql", ("GET", "POST"))
    assert one.guests
    assert not one.scopes


# Requests.


async def test_a_post_with_variables_and_operation_name() -> None:
    body = {
        "query": "query A($b: Boolean!) { page { head @include(if: $b) } } query B { page { body } }",
        "variables": {"b": True},
        "operationName": "A",
        "extensions": {},
    }
    assert data(await post(endpoint(), body)) == {"page": {"head": "head"}}
    assert data(await post(endpoint(), {**body, "operationName": "B", "variables": None})) == {"page": {"body": "body"}}


async def test_a_body_may_come_in_parts() -> None:
    raw = orjson.dumps(HEAD)
    answer = await endpoint().answer(request("POST", Connection(raw[:5], raw[5:9], raw[9:]), JSON_BODY))
    assert data(answer) == {"page": {"head": "head"}}


async def test_a_get_with_variables_and_operation_name() -> None:
    query = "query A($b: Boolean!) { page { head @include(if: $b) } } query B { page { body } }"
    answer = await get(endpoint(), query=query, variables='{"b": true}', operationName="A", extensions="")
    assert data(answer) == {"page": {"head": "head"}}
    assert data(await get(endpoint(), query=HEAD["query"], variables="", operationName="")) == {"page": {"head": "head"}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff{}",
        b"null",
        b'"{ page { head } }"',
        [HEAD, HEAD],  # batching (S134)
        [HEAD] * 100,
        {},
        {"query": ""},
        {"query": 5},
        {"query": None},
        {**HEAD, "variables": []},
        {**HEAD, "variables": "{}"},
        {**HEAD, "operationName": 1},
        {**HEAD, "extensions": 1},
    ],
)
async def test_a_body_that_is_no_request_is_a_400(body: object) -> None:
    fake = FakeWords()
    found = await problem(post(endpoint(served(page("/page"), fake)), body))
    assert found.kind == "bad-request"
    assert fake.asked == []


@pytest.mark.parametrize(
    "query", ["", "query=", "query={a}&query={b}", "query={a}&variables=[", "query={a}&variables=[]", "query=%ff", "a=1&" * 20]
)
async def test_a_query_that_is_no_request_is_a_400(query: str) -> None:
    asking = endpoint().answer(request("GET", Connection(b""), {}, query))
    assert (await problem(asking)).kind == "bad-request"


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/graphql", "multipart/form-data", "application/json; charset=utf-16"]
)
async def test_another_content_type_is_a_415(content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    asking = endpoint().answer(request("POST", Connection(orjson.dumps(HEAD)), headers))
    assert (await problem(asking)).kind == "unsupported-media-type"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
async def test_json_may_say_that_it_is_utf_8(content_type: str) -> None:
    assert data(await post(endpoint(), HEAD, {"content-type": content_type})) == {"page": {"head": "head"}}


async def test_a_body_over_the_limit_is_a_413() -> None:
    asking = post(endpoint(limits=LimitSettings(max_body=100)), {**HEAD, "extensions": {"x": "x" * 100}})
    assert (await problem(asking)).kind == "too-large"


async def test_a_get_carries_queries_only() -> None:
    """S060, though the schema has no mutation yet: what is refused is the method."""
    found = await problem(get(endpoint(), query="mutation { page { head } }"))
    assert found.kind == "method-not-allowed"
    assert found.headers == [(b"allow", b"POST")]
    two = "query A { page { head } } mutation B { page { head } }"
    assert (await problem(get(endpoint(), query=two, operationName="B"))).kind == "method-not-allowed"


async def test_an_operation_that_the_schema_has_not_is_the_requests_fault() -> None:
    for kind in ("mutation", "subscription"):
        answer = await post(endpoint(), {"query": f"{kind} {{ page {{ head }} }}"}, {"accept": GRAPHQL})
        assert answer.status == 400
        assert "data" not in orjson.loads(answer.body)


# Answers.


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        (f"application/json;q=0.9, {GRAPHQL}", GRAPHQL),
        (f"application/json, {GRAPHQL};q=0.9", "application/json"),
        (f"application/json;q=0, {GRAPHQL};q=0.1", GRAPHQL),
    ],
)
async def test_the_answer_has_the_media_type_that_the_client_asked_for(accept: str | None, media: str) -> None:
    headers = {} if accept is None else {"accept": accept}
    good = await post(endpoint(), HEAD, headers)
    assert (good.status, good.content_type) == (200, f"{media}; charset=utf-8".encode())
    for wrong in ("{ page {", "{ nothing }", "query A { page { head } } query B { page { head } }"):
        bad = await post(endpoint(), {"query": wrong}, headers)
        assert bad.status == (400 if media == GRAPHQL else 200)
        assert bad.content_type == good.content_type
        body = orjson.loads(bad.body)
        assert "data" not in body
        assert body["errors"]
        assert body["extensions"] == {"complete": False, "sections": {}}


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", f"{GRAPHQL};q=0", "application/json;q=x", "text/*, image/*"]
)
async def test_a_client_that_takes_neither_is_a_406(accept: str) -> None:
    assert (await problem(post(endpoint(), HEAD, {"accept": accept}))).kind == "not-acceptable"


async def test_a_failed_screen_is_still_a_200() -> None:
    broken = endpoint(served(page("/page"), FakeWords(head=TIMEOUT)))
    answer = await post(broken, HEAD, {"accept": GRAPHQL})
    assert answer.status == 200
    assert data(answer) == {"page": None}


async def test_the_verdicts_are_in_header_and_log_too() -> None:
    fake = FakeWords(body=BackendTimeout("words"))
    asked = request("POST", Connection(orjson.dumps({"query": "{ h: page { head body } }"})), JSON_BODY)
    answer = await endpoint(served(page("/page"), fake)).answer(asked)
    assert dict(answer.headers)[b"bff-sections"] == b'"h.body";status=timeout;reason="timeout";service="words"'
    assert list(answer.outcomes) == list(asked.outcomes) == ["h.body"]
    assert not (await post(endpoint(), HEAD)).headers


async def test_the_header_stays_small_however_many_aliases_there_are() -> None:
    fake = FakeWords(body=BackendTimeout("words"))
    query = "{ page { " + " ".join(f"b{n}: body" for n in range(200)) + " } }"
    answer = await post(endpoint(served(page("/page"), fake)), {"query": query})
    header = dict(answer.headers)[b"bff-sections"]
    assert MAX_HEADER / 2 < len(header) <= MAX_HEADER
    assert header.endswith(b'service="words"')
    assert len(orjson.loads(answer.body)["extensions"]["sections"]) == 200


async def test_the_calls_that_were_made_are_counted() -> None:
    def clients(scope: RequestScope) -> ClientOf:
        class Recording(FakeWords):
            async def say(self, what: str) -> str:
                scope.records.append(CallRecord("words", "GET", what, 0.0))
                return await super().say(what)

        return lambda _: Recording()

    asked = request("POST", Connection(orjson.dumps({"query": "{ page { head body } b: page { head } }"})), JSON_BODY)
    await endpoint(ServedScreen(plan_of(page("/page")), clients)).answer(asked)
    assert len(asked.work.records) == 3


# Time.


async def test_the_clients_budget_cuts_the_screens() -> None:
    clock = ManualClock()

    class Slow(FakeWords):
        async def say(self, what: str) -> str:
            await clock.sleep(0.5)
            return await super().say(what)

    one = endpoint(served(page("/page"), Slow(), clock=clock))
    began = clock.now()
    answer = await clock.drive(post(one, HEAD, {"request-timeout": "200"}))
    assert data(answer) == {"page": None}
    assert clock.now() - began < 0.21
    assert [outcome.status for outcome in answer.outcomes.values()] == ["timeout"]
    assert (await problem(post(one, HEAD, {"request-timeout": "soon"}))).kind == "bad-request"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_client_that_hangs_up_ends_the_work(method: str) -> None:
    started = asyncio.Event()
    cancelled: list[str] = []

    class Hanging(FakeWords):
        async def say(self, what: str) -> str:
            started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(what)
                raise
            return what

    connection = Connection(orjson.dumps(HEAD))
    one = endpoint(served(page("/page"), Hanging()))
    asking = asyncio.create_task(one.answer(request(method, connection, JSON_BODY, urlencode(HEAD))))
    await started.wait()
    connection.hung_up.set()
    with pytest.raises(ClientGone):
        await asking
    assert cancelled == ["head"]


async def test_the_caller_is_the_requests() -> None:
    one = endpoint(served(page("/page", guests=False)))
    raw = orjson.dumps(HEAD)
    assert data(await one.answer(request("POST", Connection(raw), JSON_BODY))) == {"page": None}
    answer = await one.answer(request("POST", Connection(raw), JSON_BODY, caller=Caller(id="7")))
    assert data(answer) == {"page": {"head": "head"}}


async def test_it_answers_through_the_gateways_whole_order() -> None:
    async def no_keys(_: str) -> bytes:
        raise AssertionError("nobody brings a token")

    lines: list[bytes] = []
    access = AccessLog(lines.append)
    fake = FakeWords(body=TIMEOUT)
    stack = Stack(Routes([endpoint(served(page("/page"), fake))]), Guard(LIMITS), Identities(JwtVerifier([], no_keys)), access)

    async def through(method: str, body: bytes, query: str = "") -> tuple[dict[str, Any], Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = JSON_BODY | {"host": "x", "x-request-id": REQUEST_ID}
        asked = request(method, Connection(body), headers, query)
        await stack(asked.scope, asked.receive, send)
        return sent[0], orjson.loads(sent[1]["body"])

    start, body = await through("POST", orjson.dumps({"query": "{ h: page { head body } }"}))
    assert start["status"] == 200
    assert (b"x-request-id", REQUEST_ID.encode()) in start["headers"]
    assert body["data"] == {"h": {"head": "head", "body": None}}
    start, body = await through("GET", b"", urlencode({"query": "mutation { x }"}))
    assert (start["status"], body["type"]) == (405, "/problems/method-not-allowed")
    start, body = await through("POST", b"[]")
    assert (start["status"], body["requestId"]) == (400, REQUEST_ID)
    start, _ = await through("DELETE", b"")
    assert (start["status"], dict(start["headers"])[b"allow"]) == (405, b"GET, POST")
    access.flush()
    assert b"h.body" in lines[0]
