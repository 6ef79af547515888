"""What is malformed or too large is refused before anything reads it (S085, S093-S098, S103)."""

import pytest

from bff.testing import StubReply
from tests.gateway.kit import MAX_BODY, Peer, bearer, gateway

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
async def test_a_header_with_an_underscore_is_refused_as_the_twin_of_another(name: str) -> None:
    """S064."""
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/open", headers={name: "1"})
        assert (reply.status, reply.problem) == (400, "bad-request")


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
