"""What comes back from a backend, and what an address in a request could reach (S092, S099-S102).

Beside these: tests/upstream/test_target.py and tests/gateway/test_guard.py (S099), tests/upstream/test_wire_framing.py
(S092, byte by byte), tests/gateway/test_proxy.py (S101, S102), tests/identity/test_key_document.py and tests/test_inside.py
(S101: keys).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bff.testing import Fault, StubReply, StubRequest, StubService
from tests.gateway.kit import Reply, gateway

ROUTE, SCREEN = "/api/users", "/shop/v1/open"


@asynccontextmanager
async def internal() -> AsyncIterator[StubService]:
    """A machine inside that nobody has a reason to call."""
    async with StubService(lambda _: StubReply.json("canary")) as stub:
        yield stub


def shows_nothing(reply: Reply) -> None:
    assert b"canary" not in reply.body
    assert "canary" not in str(reply.headers)


# S099


IDS = [
    "1%2F..%2F2",
    "1/../2",
    "1%3Fx=1",
    "1%23",
    "..",
    "%2e%2e",
    ".",
    "1;x=1",
    "1%00",
    "1%252F..",
    "1\\..\\2",
    "1%0D%0AHost:%20x",
]


@pytest.mark.parametrize("segment", IDS)
async def test_s099_an_id_never_alters_the_path_that_a_backend_is_asked_for(segment: str) -> None:
    async with gateway() as kit:
        kit.stub.handler = lambda request: StubReply.json(request.path)
        reply = await kit.ask(f"/shop/v1/items/{segment}")
        assert reply.status in (200, 400, 404)
        for seen in kit.stub.seen:
            path, _, query = seen.target.partition("?")
            assert (path.count("/"), path.startswith("/names/"), query) == (2, True, "")
        assert (kit.stub.counters.calls > 0) == (reply.status == 200)


@pytest.mark.parametrize("query", ["a=1%26b=2", "a=%2F..%2F", "a=1%23", "a=%0D%0AX:%201", "/../admin", "?x=1", "a=http://b/"])
async def test_s099_a_query_of_a_plain_route_stays_its_query(query: str) -> None:
    async with gateway({"/v1/users": 1}) as kit:
        assert (await kit.ask(f"{ROUTE}?{query}")).status == 200
        (seen,) = kit.stub.seen
        assert seen.target == f"/v1/users?{query}"


# S100


TARGETS = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]:{port}/",
    "http://0x7f000001:{port}/",
    "http://2130706433:{port}/",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1.nip.io:{port}/",  # a name that may be anything a moment later
    "//127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("target", TARGETS)
async def test_s100_an_address_in_a_request_is_a_text_and_nobody_is_called_for_it(target: str) -> None:
    """There is no parameter that is fetched; the only addresses are those of bff.toml."""
    async with internal() as machine, gateway({"/v1/users": 1, "/names/head": "Ada"}) as kit:
        url = target.format(port=machine.port)
        for parameter in ("url", "next", "callback", "webhook", "image", "uri"):
            await kit.ask(f"{ROUTE}?{parameter}={url}")
            await kit.ask(f"/shop/v1/open?{parameter}={url}")
        await kit.ask("/api/login", "POST", {"content-type": "application/json"})
        for header in ("x-forwarded-host", "x-original-url", "x-rewrite-url", "forwarded", "referer", "origin"):
            await kit.ask(ROUTE, headers={header: url})
        encoded = "".join(f"%{ord(character):02X}" if not character.isalnum() else character for character in url)
        await kit.ask(f"/shop/v1/items/{encoded}")
        assert machine.counters.connections == 0
        assert kit.stub.counters.calls > 0
        assert all(seen.target.startswith(("/v1/users", "/names/", "/login")) for seen in kit.stub.seen)
        assert all(seen.headers["host"] == kit.stub.address for seen in kit.stub.seen)


# S101


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", [ROUTE, SCREEN])
async def test_s101_a_redirect_to_an_internal_machine_is_not_followed(path: str, status: int) -> None:
    async with internal() as machine, gateway() as kit:
        kit.stub.handler = lambda _: StubReply(b"", status, headers=(("Location", f"http://{machine.address}/"),))
        reply = await kit.ask(path)
        assert reply.status == (status if path == ROUTE else 502)
        assert "location" not in reply.headers
        assert machine.counters.connections == 0
        assert kit.stub.counters.calls <= 2  # a screen's own attempts, never a hop


# S102


LEAKY = (
    ("Set-Cookie", "session=canary"),
    ("Server", "canary/1.0"),
    ("Via", "1.1 canary"),
    ("X-Powered-By", "canary"),
    ("X-AspNet-Version", "canary"),
    ("X-Debug-Token", "canary"),
    ("Location", "http://canary.internal/"),
    ("Refresh", "0;url=http://canary/"),
    ("Link", "<http://canary>; rel=preload"),
    ("Content-Security-Policy", "canary"),
    ("Access-Control-Allow-Origin", "canary"),
    ("WWW-Authenticate", "Basic realm=canary"),
    ("X-Internal-Identity", "canary"),
)
TRACE = b"Traceback (most recent call last):\n  File 'canary.py', line 1\nKeyError: 'canary'"


@pytest.mark.parametrize("path", [ROUTE, SCREEN])
async def test_s102_what_a_backend_says_of_itself_stays_inside(path: str) -> None:
    async with gateway() as kit:
        kit.stub.handler = lambda _: StubReply(b'"Ada"', 200, headers=LEAKY)
        reply = await kit.ask(path)
        assert reply.status == 200
        shows_nothing(reply)


@pytest.mark.parametrize("status", [400, 401, 404, 500, 502, 503])
async def test_s102_a_backends_stack_trace_is_in_no_screen(status: int) -> None:
    async with gateway() as kit:
        kit.stub.handler = lambda _: StubReply(TRACE, status, "text/plain", LEAKY)
        reply = await kit.ask(SCREEN)
        assert reply.status >= 400
        shows_nothing(reply)
        assert b"canary" not in kit.lines


@pytest.mark.parametrize("path", [ROUTE, SCREEN])
async def test_s102_a_broken_answer_tells_nothing_of_what_it_was(path: str) -> None:
    async with gateway() as kit:
        kit.stub.fault = Fault(
            "raw", raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Canary: canary\r\nnonsense canary\r\n\r\n"
        )
        reply = await kit.ask(path)
        assert (reply.status, reply.problem) == (502, "backend-invalid")
        shows_nothing(reply)


# S092


SPLITTING = [
    pytest.param(b"ETag: a\r\n Set-Cookie: canary=1", id="folded"),
    pytest.param(b"ETag: a\rSet-Cookie: canary=1", id="bare CR"),
    pytest.param(b"ETag: a\nSet-Cookie: canary=1", id="bare LF"),
    pytest.param(b"ETag: a\x00canary", id="NUL"),
    pytest.param(b"ETag\r: canary", id="CR in a name"),
    pytest.param(b"Retry-After: 1\r\n\tcanary: 1", id="folded by a tab"),
    pytest.param(b"Content-Type: text/html\r\n canary: 1", id="folded type"),
]


@pytest.mark.parametrize("header", SPLITTING)
@pytest.mark.parametrize("path", [ROUTE, SCREEN])
async def test_s092_a_header_that_would_become_two_is_never_forwarded(path: str, header: bytes) -> None:
    async with gateway() as kit:
        kit.stub.fault = Fault("raw", raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + header + b'\r\n\r\n"Ada"')
        reply = await kit.ask(path)
        shows_nothing(reply)
        assert "set-cookie" not in reply.headers
        assert not any("\r" in value or "\n" in value or "\0" in value for value in reply.headers.values())


async def test_s092_an_answer_in_an_answer_is_none() -> None:
    """What follows a whole answer is nobody's: the connection ends with it, and the next request gets its own."""
    whole = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"Ada"'
    async with gateway() as kit:
        kit.stub.fault = Fault("raw", raw=whole + b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"canary"')
        first = await kit.ask(ROUTE)
        kit.stub.fault = None
        asked: list[StubRequest] = []

        def answer(request: StubRequest) -> StubReply:
            asked.append(request)
            return StubReply.json("own")

        kit.stub.handler = answer
        following = await asyncio.gather(*(kit.ask(ROUTE) for _ in range(5)))
        shows_nothing(first)
        assert [reply.json for reply in following] == ["own"] * 5
        assert len(asked) == 5
