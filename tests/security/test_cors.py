"""Pages of other origins: who may read, who may change, and that a user's browser is nobody's tool (S056, S058-S061)."""

from collections.abc import AsyncIterator

import orjson
import pytest
import pytest_asyncio

from tests.security.raw import HOST, ORIGIN, Front, bearer, front

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = orjson.dumps({"query": "{ open { name } }"})
JSON = ("Content-Type", "application/json")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared")
async def _shared() -> AsyncIterator[Front]:
    async with front() as door:
        yield door


def asking(method: str, origin: str = ORIGIN, headers: str = "authorization, x-csrf") -> list[tuple[str, str]]:
    return [("Origin", origin), ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", headers)]


@pytest.mark.parametrize("target", ["/web/v1/open", "/web/v1/home", "/web/v1/items/7", "/web/graphql"])
async def test_s059_an_allowed_page_is_told_what_it_may_send_without_an_identity_or_a_backend(
    shared: Front, target: str
) -> None:
    before = shared.calls
    reply = await shared.ask(target, "OPTIONS", asking("POST"))
    assert (reply.status, reply.body) == (204, b"")
    allow = reply.headers
    assert allow["access-control-allow-origin"] == ORIGIN
    assert allow["access-control-allow-credentials"] == "true"
    assert allow["access-control-max-age"] == "600"
    assert {
        "authorization",
        "content-type",
        "idempotency-key",
        "request-timeout",
        "app-version",
        "traceparent",
        "x-csrf",
    } <= set(allow["access-control-allow-headers"].split(", "))
    assert allow["vary"] == "Origin"
    assert "GET" in allow["access-control-allow-methods"].split(", ")
    assert "*" not in str(allow)
    assert shared.calls == before


LOOK_ALIKES = {
    "S058 null": "null",
    "S058 sibling": "https://evil.shop.example",
    "S058 prefix": f"{ORIGIN}.evil.example",
    "S058 suffix": "https://evilwww.shop.example",
    "S058 a part": "https://www.shop",
    "S058 http": ORIGIN.replace("https", "http"),
    "S058 port": f"{ORIGIN}:8443",
    "S058 slash": f"{ORIGIN}/",
    "S058 upper case": ORIGIN.upper(),
    "S058 dot": ORIGIN.replace(".", "x"),
    "S058 user": "https://www.shop.example@evil.example",
    "S058 two": f"{ORIGIN} https://evil.example",
    "S058 star": "*",
    "S058 empty": "",
}


@pytest.mark.parametrize("origin", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
async def test_a_look_alike_reads_nothing_and_changes_nothing(shared: Front, origin: str) -> None:
    before = shared.calls
    preflight = await shared.ask("/web/v1/open", "OPTIONS", asking("GET", origin))
    assert (preflight.status, preflight.problem) == (403, "forbidden")
    change = await shared.ask("/web/graphql", "POST", [("Origin", origin), JSON], QUERY)
    assert (change.status, change.problem) == (403, "forbidden")
    assert shared.calls == before
    read = await shared.ask("/web/v1/open", headers=[("Origin", origin)])
    assert read.status == 200  # its browser keeps it from the page
    for reply in (preflight, change, read):
        assert not [name for name in reply.headers if name.startswith("access-control-")]
        assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize("target", ["/web/v1/open", "/web/v1/home", "/web/v1/open?x=1", "/web/graphql"])
async def test_an_allowed_page_may_read_answers_and_refusals_alike(shared: Front, target: str) -> None:
    """A 401 or a 422 that a page cannot read is a riddle."""
    reply = await shared.ask(target, headers=[("Origin", ORIGIN)])
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert reply.headers["access-control-allow-credentials"] == "true"
    told = reply.headers["access-control-expose-headers"].split(", ")
    assert {"bff-sections", "x-request-id", "ratelimit", "ratelimit-policy", "retry-after", "idempotency-replayed"} <= set(told)


async def test_s059_an_app_for_any_page_takes_no_cookies(shared: Front) -> None:
    for origin in ("https://evil.example", "null"):
        for reply in (
            await shared.ask("/open/v1/open", headers=[("Origin", origin)]),
            await shared.ask("/open/v1/open", "OPTIONS", asking("GET", origin)),
        ):
            assert reply.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("target", ["/shop/v1/open", "/api/users", "/nowhere", "/problems/internal"])
async def test_an_app_without_origins_has_no_word_for_any_page(shared: Front, target: str) -> None:
    for reply in (
        await shared.ask(target, "OPTIONS", asking("GET")),
        await shared.ask(target, headers=[("Origin", ORIGIN)]),
    ):
        assert not [name for name in reply.headers if name.startswith("access-control-")]


CROSS = {
    "S061 cross-site": [("Sec-Fetch-Site", "cross-site")],
    "S061 sibling": [("Sec-Fetch-Site", "same-site")],
    "S061 nonsense": [("Sec-Fetch-Site", "x")],
    "S061 cross-site with an origin": [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")],
    "S061 an older browser": [("Origin", "https://evil.example")],
    "S061 an older browser, null": [("Origin", "null")],
    "S061 as if it were ours": [("Sec-Fetch-Site", "cross-site"), ("Origin", f"https://{HOST}")],
}


@pytest.mark.parametrize("target", ["/api/login", "/api/users", "/shop/graphql", "/web/graphql"])
@pytest.mark.parametrize("headers", CROSS.values(), ids=CROSS)
async def test_a_change_from_another_site_is_refused_whoever_its_user_is(
    shared: Front, headers: list[tuple[str, str]], target: str
) -> None:
    before = shared.calls
    reply = await shared.ask(target, "POST", [*headers, JSON, bearer(scope="users:write")], QUERY)
    assert (reply.status, reply.problem) == (403, "forbidden")
    assert shared.calls == before
    assert (shared.lines[-1]["refused"], shared.lines[-1]["audit"]) == ("cross-site", "refusal")


OURS: dict[str, list[tuple[str, str]]] = {
    "a program": [],
    "our own page": [("Sec-Fetch-Site", "same-origin"), ("Origin", f"http://{HOST}")],
    "an older browser on our own page": [("Origin", f"https://{HOST}")],
    "typed by hand": [("Sec-Fetch-Site", "none")],
}


@pytest.mark.parametrize("headers", OURS.values(), ids=OURS)
async def test_a_change_from_nobodys_page_or_our_own_goes_on(shared: Front, headers: list[tuple[str, str]]) -> None:
    assert (await shared.ask("/api/login", "POST", headers, b"{}")).status == 200


async def test_a_change_from_an_allowed_page_goes_on(shared: Front) -> None:
    headers = [("Origin", ORIGIN), ("Sec-Fetch-Site", "same-site"), JSON]
    reply = await shared.ask("/web/graphql", "POST", headers, QUERY)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, ORIGIN)


@pytest.mark.parametrize(
    ("headers", "status"),
    {
        "S056 a cookie alone": ([("Cookie", "s=1")], 403),
        "S056 from our own page too": ([("Cookie", "s=1"), ("Sec-Fetch-Site", "same-origin")], 403),
        "S056 with the header": ([("Cookie", "s=1"), ("X-CSRF", "1")], 200),
        "S056 with a token it is not the cookie that counts": ([("Cookie", "s=1"), bearer()], 200),
    }.values(),
    ids=lambda value: None,
)
async def test_s056_a_change_with_a_cookie_needs_what_no_form_can_send(
    shared: Front, headers: list[tuple[str, str]], status: int
) -> None:
    before = shared.calls
    reply = await shared.ask("/api/login", "POST", headers, b"{}")
    assert reply.status == status
    assert shared.calls - before == (status == 200)


async def test_a_read_with_a_cookie_needs_nothing(shared: Front) -> None:
    assert (await shared.ask("/shop/v1/open", headers=[("Cookie", "s=1"), ("Sec-Fetch-Site", "cross-site")])).status == 200
