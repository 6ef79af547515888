"""Paths with two readings: 400 or 404, and not one byte to a backend (S093-S099, S145)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bff.testing import StubReply, StubRequest
from tests.security.raw import Front, bearer, front

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared")
async def _shared() -> AsyncIterator[Front]:
    async with front() as door:
        yield door


REFUSED = {
    "S093 /api/../admin": ("/api/../admin", 400),
    "S093 to a route": ("/x/../api/users", 400),
    "S093 one dot": ("/api/./users", 400),
    "S093 at the end": ("/api/users/..", 400),
    "S094 %2e%2e/": ("/x/%2e%2e/api/users", 400),
    "S094 .%2E": ("/x/.%2E/api/users", 400),
    "S094 %252e": ("/x/%252e%252e/api/users", 400),
    "S095 %2f": ("/api%2fusers", 400),
    "S095 %2F in an id": ("/shop/v1/items/a%2F..%2Fb", 400),
    "S095 %5c": ("/api%5cusers", 400),
    "S095 backslash": ("/api\\users", 400),
    "S096 matrix": ("/api/users;a=b", 400),
    "S096 matrix before": ("/api;a=b/users", 400),
    "S096 /x.css": ("/api/users/x.css", 404),
    "S096 .css": ("/shop/v1/home.css", 404),
    "S097 overlong": ("/shop/v1/items/%c0%ae%c0%ae", 400),
    "S097 %00": ("/api/users%00", 400),
    "S098 case": ("/API/users", 404),
    "S098 case of a screen": ("/shop/v1/Home", 404),
    "S098 slash": ("/shop/v1/home/", 404),
    "S098 two slashes": ("//shop/v1/home", 400),
    "S098 escaped letter": ("/shop/v1/%68ome", 404),
    "S145 metrics": ("/metrics", 404),
    "S145 docs": ("/docs", 404),
    "S145 docs of an app": ("/docs/shop", 404),
    "S145 openapi": ("/openapi.json", 404),
    "S145 GraphiQL": ("/graphiql", 404),
    "S145 admin": ("/admin", 404),
    "S145 stats": ("/stats", 404),
    "S145 livez": ("/livez", 404),
    "S145 readyz": ("/readyz", 404),
    "S145 debug": ("/debug/pprof", 404),
    "S145 git": ("/.git/config", 404),
}


@pytest.mark.parametrize("who", ["guest", "user"])
@pytest.mark.parametrize(("target", "status"), REFUSED.values(), ids=REFUSED)
async def test_a_path_with_another_reading_leads_nowhere(shared: Front, target: str, status: int, who: str) -> None:
    before = shared.calls
    reply = await shared.ask(target, headers=[bearer()] if who == "user" else [])
    assert reply.status == status
    assert reply.problem == {400: "bad-request", 404: "not-found"}[status]
    assert reply.headers["cache-control"] == "no-store"
    assert shared.calls == before


@pytest.mark.parametrize("target", ["/shop/v1/home", "/shop/v1/home?", "/shop/v1/home?sections=name"])
async def test_s098_the_one_spelling_that_leads_somewhere_asks_for_an_identity(shared: Front, target: str) -> None:
    before = shared.calls
    assert (await shared.ask(target)).status == 401
    assert shared.calls == before


IDS = {
    "S099 1?x=": ("1%3Fx=", "1?x="),
    "S099 1#": ("1%23", "1#"),
    "S099 three dots": ("...", "..."),
    "S099 dots and words": ("1..2", "1..2"),
    "S099 line break": ("%0D%0AX-User-Id:1", "\r\nX-User-Id:1"),
    "S099 at": ("@evil.example", "@evil.example"),
    "S099 address": ("http:evil.example", "http:evil.example"),
}


@pytest.mark.parametrize(("segment", "value"), IDS.values(), ids=IDS)
async def test_an_id_reaches_the_backend_as_one_segment_of_the_path_it_was_meant_for(
    shared: Front, segment: str, value: str
) -> None:
    before = len(shared.seen)
    answer = shared.stub.handler
    asked: list[StubRequest] = []

    def noting(given: StubRequest) -> StubReply:
        asked.append(given)
        return StubReply.json("a name")

    shared.stub.handler = noting
    try:
        assert (await shared.ask(f"/shop/v1/items/{segment}")).status == 200
    finally:
        shared.stub.handler = answer
    (seen,) = asked
    target = seen.raw_target
    assert seen.path == f"/names/{value}"
    assert target.startswith("/names/")
    assert target.count("/") == 2
    assert "?" not in target
    assert "#" not in target
    assert "x-user-id" not in seen.headers
    assert len(shared.seen) == before


async def test_s099_an_id_with_a_slash_is_refused_before_anybody_sees_it(shared: Front) -> None:
    before = shared.calls
    for segment in ("1/../2", "1%2F..%2F2", "1%2f2"):
        assert (await shared.ask(f"/shop/v1/items/{segment}")).status in (400, 404)
    assert shared.calls == before


async def test_s097_bytes_that_are_no_address_never_become_a_path(shared: Front) -> None:
    """hyper refuses them by itself: the one answer without our headers (docs: what Granian writes is not ours)."""
    before = shared.calls
    assert (await shared.ask("/shop/v1/items/\xe9")).status == 400
    assert shared.calls == before
