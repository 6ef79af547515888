"""A plain route: the body passes as it is, headers by allow-list both ways, failures become problems."""

import pytest

from bff.testing import Fault, StubReply, StubRequest
from tests.gateway.kit import Peer, bearer, gateway

SENT = {
    "content-type": "application/json",
    "accept": "application/json",
    "accept-language": "de",
    "if-none-match": '"1"',
    "user-agent": "canary",
    "authorization": "",
    "cookie": "canary=1",
    "x-user-id": "canary",
    "x-internal-identity": "canary",
    "x-forwarded-for": "canary",
    "x-forwarded-host": "canary",
    "forwarded": "for=canary",
    "connection": "x-internal-identity",
    "x-http-method-override": "DELETE",
    "expect": "canary",
    "via": "canary",
}

ANSWERED = (
    ("ETag", '"1"'),
    ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ("Retry-After", "3"),
    ("Location", "/orders/1"),
    ("Content-Language", "de"),
    ("Set-Cookie", "canary=1"),
    ("Server", "canary"),
    ("Via", "canary"),
    ("X-Powered-By", "canary"),
    ("X-Stack-Trace", "canary"),
    ("Cache-Control", "public, max-age=canary"),
    ("Access-Control-Allow-Origin", "canary"),
)


# What every answer of the gateway's own has: security headers, and its id.
OURS = {
    "x-request-id", "x-content-type-options", "cache-control", "content-security-policy", "cross-origin-resource-policy",
    "referrer-policy", "x-frame-options", "strict-transport-security",
}  # fmt: skip


async def test_the_request_goes_on_with_its_body_and_only_the_headers_that_are_allowed() -> None:
    asked: list[StubRequest] = []

    def answer(request: StubRequest) -> StubReply:
        asked.append(request)
        return StubReply.json({"token": "t"})

    async with gateway() as kit:
        kit.stub.handler = answer
        headers = SENT | bearer() | {"x-request-id": "r-1"}
        reply = await kit.ask("/api/login?next=%2Fhome&a=1", "POST", headers, peer=Peer(parts=[b'{"name":', b'"Ada"}']))
        assert (reply.status, reply.json) == (200, {"token": "t"})
        (request,) = asked
        assert (request.method, request.raw_target, request.body) == ("POST", "/login?next=%2Fhome&a=1", b'{"name":"Ada"}')
        own = {"host", "user-agent", "accept-encoding", "content-length"}
        allowed = {"accept", "content-type", "accept-language", "if-none-match"}
        assert request.headers.keys() == own | allowed | {"x-request-id", "request-timeout", "traceparent"}
        assert {name: request.headers[name] for name in allowed} == {name: SENT[name] for name in allowed}
        assert request.headers["x-request-id"] == "r-1"
        assert "canary" not in str(request.headers)


async def test_the_answer_comes_back_with_its_status_type_and_only_the_headers_that_are_allowed() -> None:
    """S102."""
    async with gateway() as kit:
        kit.stub.handler = lambda _: StubReply(b"<p>", 409, "text/html; charset=latin-1", ANSWERED)
        reply = await kit.ask("/api/login", "POST")
        assert (reply.status, reply.body) == (409, b"<p>")
        theirs = {name: value for name, value in reply.headers.items() if name not in OURS}
        assert theirs == {
            "content-type": "text/html; charset=latin-1",
            "content-length": "3",
            "etag": '"1"',
            "last-modified": "Wed, 21 Oct 2015 07:28:00 GMT",
            "retry-after": "3",
            "content-language": "de",
        }
        assert "canary" not in str(reply.headers)
        assert (kit.line["status"], kit.line["calls"], kit.line["path"]) == (409, 1, "/api/login")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_tells_no_length_of_one(status: int) -> None:
    async with gateway() as kit:
        kit.stub.handler = lambda _: StubReply(b"", status, headers=(("ETag", '"1"'),))
        reply = await kit.ask("/api/users")
        assert (reply.status, reply.body, reply.headers["etag"]) == (status, b"", '"1"')
        assert not {"content-length", "content-type"} & reply.headers.keys()


async def test_a_redirect_is_passed_on_and_not_followed() -> None:
    """S101."""
    async with gateway() as kit:
        kit.stub.handler = lambda _: StubReply(b"", 302, headers=(("Location", "http://169.254.169.254/"),))
        assert (await kit.ask("/api/users")).status == 302
        assert kit.stub.counters.calls == 1


@pytest.mark.parametrize(
    ("fault", "status", "problem"),
    [
        (Fault("reset"), 503, "backend-unavailable"),
        (Fault("raw", raw=b"nonsense\r\n\r\n"), 502, "backend-invalid"),
        (Fault("hang"), 504, "backend-timeout"),
    ],
)
async def test_a_backend_that_fails_is_a_problem_that_names_it(fault: Fault, status: int, problem: str) -> None:
    async with gateway() as kit:
        kit.stub.fault = fault
        reply = await kit.ask("/api/login", "POST", {"request-timeout": "100"})
        assert (reply.status, reply.problem) == (status, problem)
        assert reply.json["detail"].startswith("service users: ")
        assert kit.stub.counters.calls == 1  # a write is never sent twice
        assert kit.line["ms"] < 150


async def test_what_the_client_gives_it_and_the_service_may_take_goes_on_as_the_backends_time() -> None:
    """F28."""
    async with gateway() as kit:
        for given in ({}, {"request-timeout": "200"}, {"request-timeout": "3600000"}):
            await kit.ask("/api/users", headers=given)
        first, lowered, capped = (int(record.headers["request-timeout"]) for record in kit.stub.seen)
        assert all(780 <= most <= 790 for most in (first, capped))
        assert 150 <= lowered <= 190  # what the gateway itself took of it is gone
        assert (await kit.ask("/api/users", headers={"request-timeout": "soon"})).problem == "bad-request"


@pytest.mark.parametrize("query", ["a b", "a#b", "a=\xff", "a\r\nb", "a\x00", "\x7f"])
async def test_a_query_that_cannot_stand_in_a_request_line_is_refused_and_calls_nobody(query: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask(f"/api/users?{query}")
        assert (reply.status, reply.problem) == (400, "bad-request")
        assert kit.stub.counters.calls == 0


async def test_two_routes_of_one_path_are_told_apart_by_their_methods() -> None:
    async with gateway({"/v1/users": [1]}) as kit:
        assert (await kit.ask("/api/users")).json == [1]
        assert (await kit.ask("/api/users", "POST")).status == 401
        assert (await kit.ask("/api/users", "POST", bearer(scope="users:write"))).json == [1]
        assert [record.method for record in kit.stub.seen] == ["GET", "POST"]


async def test_the_body_of_a_read_does_not_go_on() -> None:
    """S119."""
    bodies: list[bytes] = []

    def answer(request: StubRequest) -> StubReply:
        bodies.append(request.body)
        return StubReply.json(1)

    async with gateway() as kit:
        kit.stub.handler = answer
        await kit.ask("/api/users", peer=Peer(parts=[b"fat"]))
        assert bodies == [b""]
