"""What is malformed or too large is refused before anything reads it (S085, S093-S098, S103)."""

import pytest

from bff.errors import Refusal
from bff.faces.problems import Problem
from bff.gateway.address import Proxies
from bff.gateway.context import open_context
from bff.gateway.guard import Guard
from bff.gateway.header_rules import INTERNAL, PLAIN, Internal
from bff.gateway.request import Request
from bff.observe.tracing import Tracing
from bff.settings import LimitSettings
from bff.testing import StubReply
from tests.gateway.kit import MAX_BODY, Peer, bearer, gateway, scope_of

LIMITS = LimitSettings()

AMBIGUOUS = [
    "/api/../admin",  # S093
    "/shop/v1/./open",
    "/shop/v1/open/..",
    "/shop/v1/open/.",
    "/%2e%2e/admin",  # S094
    "/shop/%2E%2E/admin",
    "/shop/.%2e/admin",
    "/shop/%2e./admin",
    "/shop/v1/%2e/open",
    "/shop/v1/items/%252e%252e",
    "/shop/v1/items/a%2fb",  # S095
    "/shop/v1/items/a%2Fb",
    "/shop/v1/items/a%5cb",
    "/shop/v1/items/a\\b",
    "/shop/v1/open;a=b",  # S096
    "/shop/v1;a=b/open",
    "/shop/v1/items/%00",  # S097
    "//shop/v1/open",
    "/shop//v1/open",
    "/shop/v1/open//",
    "/shop/v1/items/%c0%af",  # overlong UTF-8
    "/shop/v1/items/%ff",
]


@pytest.mark.parametrize("target", AMBIGUOUS)
async def test_a_path_that_could_be_read_in_two_ways_is_refused(target: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask(target, headers=bearer())
        assert (reply.status, reply.problem) == (400, "bad-request")
        assert kit.stub.counters.calls == 0


@pytest.mark.parametrize(
    "target",
    [
        "/shop/v1/open.css",  # S096
        "/shop/v1/open/x.css",
        "/shop/v1/open/",  # S098
        "/SHOP/v1/open",
        "/shop/v1/OPEN",
        "/shop/v1/%6fpen",
        "/shop/v1/op%C4%83n",
        "/shop/v1/items/",
        "/shop/v1/items",
        "/shop/v1/items/7/8",
        "/shop/v1/%69tems/7",
        "/shop/v1/items/...x/",
        "/admin",
        "/metrics",  # S145
        "/docs",
        "/openapi.json",
        "/livez",
        "/stats",
        "/",
        "",
        "*",
    ],
)
async def test_a_path_that_is_not_a_screens_own_spelling_is_not_there(target: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask(target, headers=bearer())
        assert (reply.status, reply.problem) == (404, "not-found")
        assert reply.json["detail"] == "no screen or route has this path"
        assert reply.headers["cache-control"] == "no-store"
        assert kit.stub.counters.calls == 0


@pytest.mark.parametrize(
    ("segment", "value"),
    [
        ("7", "7"),
        ("...", "..."),
        ("a.b", "a.b"),
        ("a%20b", "a b"),
        ("%C3%BC", "ü"),
        ("1%3Fx=", "1?x="),
        ("1%23", "1#"),
        ("%0A", "\n"),
    ],
)
async def test_a_path_value_is_decoded_once_and_reaches_the_backend_as_one_segment(segment: str, value: str) -> None:
    """S099, from the client to the backend."""
    async with gateway() as kit:
        kit.stub.handler = lambda request: StubReply.json(request.path.removeprefix("/names/"))
        reply = await kit.ask(f"/shop/v1/items/{segment}")
        assert reply.json["data"]["said"] == f"{value} 10 []"
        assert kit.stub.seen[0].target.count("/") == 2
        assert "?" not in kit.stub.seen[0].target


ODD_HOSTS = (
    None, "", "a@b", "user:pass@shop.example", "shop.example:80:80", "shop.example:", "shop.example:port", "shop.example/x",
    "shop.example?x", "shop.example#", "a b", "a,b", "[::1", "::1", "http://shop.example", "shop.example\n", "ü.example",
)  # fmt: skip


@pytest.mark.parametrize("host", ODD_HOSTS)
async def test_a_request_without_one_plain_host_is_refused(host: str | None) -> None:
    """S085."""
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/open", host=host)
        assert (reply.status, reply.problem) == (400, "bad-request")


async def test_two_hosts_are_refused_even_when_they_are_the_same() -> None:
    async with gateway() as kit:
        assert (await kit.ask("/shop/v1/open", headers={"host": "shop.example"})).problem == "bad-request"


@pytest.mark.parametrize(
    "host", ["shop.example", "SHOP.example:8000", "127.0.0.1:8000", "[::1]:8000", "localhost", "my_bff:80"]
)
async def test_a_plain_host_is_taken(host: str) -> None:
    async with gateway() as kit:
        assert (await kit.ask("/shop/v1/open", host=host)).status == 200


@pytest.mark.parametrize("name", ["x_user_id", "X_Internal_Identity", "content_length", "_", "authorization_"])
async def test_a_header_with_an_underscore_is_taken_away_as_the_twin_of_another(name: str) -> None:
    """S064."""
    request = asked([("Host", "shop.example"), (name, "1"), ("X-Kept", "1")])
    assert request.header(name.lower().encode()) == "1", "it was read before the guard"
    Guard(LIMITS).check(request)
    assert request.header(name.lower().encode()) is None
    assert [key for key, _ in request.raw_headers] == [b"host", b"x-kept"]


@pytest.mark.parametrize("internal", INTERNAL, ids=lambda internal: internal.starts.decode())
def test_what_only_our_own_side_may_say_is_taken_away_with_a_reason(internal: Internal) -> None:
    request = asked([("Host", "shop.example"), (internal.starts.decode(), "1"), (internal.starts.decode() + "x", "1")])
    Guard(LIMITS).check(request)
    assert request.raw_headers == [(b"host", b"shop.example")]
    assert internal.reason


def test_headers_are_written_anew_only_when_something_is_taken_away() -> None:
    usual = [("Host", "shop.example"), ("Connection", "keep-alive"), ("TE", "trailers"), ("User-Agent", "x"), ("X-Own", "1")]
    request = asked(usual)
    before = request.raw_headers
    Guard(LIMITS).check(request)
    assert request.raw_headers is before


def test_every_plain_header_stays_and_cannot_be_named_away() -> None:
    names = [name.decode() for name in sorted(PLAIN)]
    request = asked([("Host", "shop.example"), ("Connection", ", ".join([*names, "host", "x-hop"])), ("X-Hop", "1")]
                    + [(name, "1") for name in names])  # fmt: skip
    Guard(LIMITS).check(request)
    assert [key.decode() for key, _ in request.raw_headers] == ["host", "connection", *names]


@pytest.mark.parametrize(("peer", "repeated"), [("10.1.2.3", True), ("192.0.2.7", False)])
def test_only_a_peer_of_ours_is_believed_that_it_repeats_a_request(peer: str, repeated: bool) -> None:
    """S074."""
    request = asked([("Host", "shop.example"), ("X-Attempt", "1")], peer=peer)
    open_context(request, Tracing())
    Guard(LIMITS, proxies=Proxies(["10.0.0.0/8"])).check(request)
    assert request.work.repeated is repeated
    assert request.header(b"x-attempt") is None


@pytest.mark.parametrize(("count", "kind"), [(99, None), (100, "headers-too-large")])
def test_s089_headers_are_counted(count: int, kind: str | None) -> None:
    assert refused([("Host", "shop.example"), *[("A", "1")] * count]) == kind


@pytest.mark.parametrize(("size", "kind"), [(16_000, None), (16_384, "headers-too-large")])
def test_s089_headers_are_measured(size: int, kind: str | None) -> None:
    assert refused([("Host", "shop.example"), ("A", "a" * size)]) == kind


FRAMES: dict[str, tuple[list[tuple[str, str]], str, str | None]] = {
    "one length": ([("Content-Length", "3")], "1.1", None),
    "S077 two lengths": ([("Content-Length", "3"), ("Content-Length", "3")], "1.1", "bad-request"),
    "S075 both": ([("Content-Length", "3"), ("Transfer-Encoding", "chunked")], "1.1", "bad-request"),
    "S076 both": ([("Transfer-Encoding", "chunked"), ("Content-Length", "3")], "1.1", "bad-request"),
    "chunks": ([("Transfer-Encoding", "Chunked")], "1.1", None),
    "S080 identity": ([("Transfer-Encoding", "identity, chunked")], "1.1", "bad-request"),
    "S080 twice": ([("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], "1.1", "bad-request"),
    "S081 in 1.0, as Granian writes it": ([("Transfer-Encoding", "chunked")], "1", "bad-request"),
    "S091 in HTTP/2": ([("Transfer-Encoding", "chunked")], "2", "bad-request"),
}


@pytest.mark.parametrize(("headers", "version", "kind"), FRAMES.values(), ids=FRAMES)
def test_a_body_has_one_framing(headers: list[tuple[str, str]], version: str, kind: str | None) -> None:
    """Whatever stands before it: hyper sorts most of it out by itself, another front may not."""
    assert refused([("Host", "shop.example"), *headers], "POST", version=version) == kind


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_s084_a_read_has_no_chunked_body(method: str) -> None:
    assert refused([("Host", "shop.example"), ("Transfer-Encoding", "chunked")], method) == "bad-request"


@pytest.mark.parametrize(
    ("names", "host", "kind"),
    [
        (["shop.example"], "shop.example", None),
        (["Shop.Example."], "SHOP.example.:8000", None),
        (["shop.example"], "evil.example", "misdirected"),
        (["shop.example"], "shop.example.evil", "misdirected"),
        (["::1"], "[::1]:8000", None),
        (["[::1]"], "[0:0:0:0:0:0:0:1]", None),
        (["::1"], "[::2]", "misdirected"),
        (["shop.example"], "[::::]", "bad-request"),
        (["shop.example"], "shop.example:65536", "bad-request"),
        (["*"], "whatever.example", None),
        (["*"], "a@b", "bad-request"),
        (["shop.example", "*"], "evil.example", None),
    ],
)
def test_only_our_own_names_are_served(names: list[str], host: str, kind: str | None) -> None:
    assert refused([("Host", host)], hosts=names) == kind


@pytest.mark.parametrize("name", ["shop.example:80", "https://shop.example", "", "a b", "[::1]:80", "*.shop.example"])
def test_a_name_that_no_host_can_be_is_refused_at_start(name: str) -> None:
    with pytest.raises(Refusal, match=r"server\.hosts"):
        Guard(LIMITS, [name])


def asked(headers: list[tuple[str, str]], method: str = "GET", *, peer: str = "192.0.2.7", version: str = "1.1") -> Request:
    scope = scope_of("/shop/v1/open", method, headers) | {"client": (peer, 5), "http_version": version}
    return Request(scope, Peer().receive, 0.0)


def refused(
    headers: list[tuple[str, str]], method: str = "GET", *, hosts: list[str] | None = None, version: str = "1.1"
) -> str | None:
    """The kind of problem; it closes the connection, for what follows may be the rest of it."""
    told: Problem | None = None
    try:
        Guard(LIMITS, hosts or ["*"]).check(asked(headers, method, version=version))
    except Problem as problem:
        told = problem
    assert told is None or (b"connection", b"close") in told.headers
    return None if told is None else told.kind


async def test_a_query_may_be_as_long_as_the_limit_and_no_longer() -> None:
    async with gateway() as kit:
        query = "tags=" + "a" * 995
        assert (await kit.ask(f"/shop/v1/items/7?{query}")).status == 200
        assert (await kit.ask(f"/shop/v1/items/7?{query}a")).status == 414


LENGTHS = {
    str(MAX_BODY): 200, str(MAX_BODY + 1): 413, "9" * 30: 413, "9" * 5_000: 413,
    "+3": 400, "-1": 400, "0x3": 400, "3, 3": 400, "": 400, " 3": 400,
}  # fmt: skip


@pytest.mark.parametrize(("length", "status"), LENGTHS.items())
async def test_a_body_that_announces_too_much_is_refused_unread(length: str, status: int) -> None:
    """S103 with Content-Length, S078."""
    async with gateway({"/login": {}}) as kit:
        peer = Peer(parts=[b"{}"])
        reply = await kit.ask("/api/login", "POST", {"content-length": length}, peer=peer)
        assert reply.status == status
        if status != 200:
            assert (peer.read, kit.stub.counters.calls) == (0, 0)


@pytest.mark.parametrize(("parts", "status"), [(8, 200), (9, 413), (1_000, 413)])
async def test_a_body_that_announces_nothing_is_read_no_further_than_the_limit(parts: int, status: int) -> None:
    """S103 without Content-Length: at most one part more than the limit is read, and no backend hears of it."""
    async with gateway({"/login": {}}) as kit:
        part = b"a" * (MAX_BODY // 8)
        peer = Peer(parts=[part] * parts)
        reply = await kit.ask("/api/login", "POST", peer=peer)
        assert reply.status == status
        assert peer.read <= MAX_BODY + len(part)
        assert kit.stub.counters.calls == (1 if status == 200 else 0)


async def test_a_proxy_that_nobody_named_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway() as kit:
        for _ in range(2):
            await kit.ask("/shop/v1/open", headers={"x-forwarded-for": "203.0.113.9"})
    (record,) = (record for record in caplog.records if "trusted_proxies" in record.message)
    assert "192.0.2.7" in record.message
