"""Requests that two readers may read differently: refused, the connection closed, no backend called (S075-S090)."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.security.raw import Front, front, request

H = b"Host: shop.example\r\n"
# What an attacker hides behind the first request; were it run, the backend would see /v1/users.
SMUGGLED = b"GET /api/users HTTP/1.1\r\n" + H + b"\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared")
async def _shared() -> AsyncIterator[Front]:
    async with front() as door:
        yield door


pytestmark = pytest.mark.asyncio(loop_scope="module")


def login(*headers: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"POST /api/login HTTP/" + version + b"\r\n" + H + b"".join(line + b"\r\n" for line in headers) + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked"
# The bytes, and the status that closes the connection.
REFUSED = {
    "S077 two different lengths": (login(b"Content-Length: 5", b"Content-Length: 6", body=b"abcdef"), 400),
    "S078 +3": (login(b"Content-Length: +3", body=b"abc"), 400),
    "S078 -1": (login(b"Content-Length: -1", body=b"abc"), 400),
    "S078 0x3": (login(b"Content-Length: 0x3", body=b"abc"), 400),
    "S078 3, 3": (login(b"Content-Length: 3, 3", body=b"abc"), 400),
    "S079 space before the colon": (login(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"), 400),
    "S080 identity, chunked": (login(b"Transfer-Encoding: identity, chunked", body=b"0\r\n\r\n"), 400),
    "S080 gzip, chunked": (login(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 400),
    "S080 in two lines": (login(b"Transfer-Encoding: identity", CHUNKED, body=b"0\r\n\r\n"), 400),
    "S080 chunked twice": (login(CHUNKED, CHUNKED, body=b"0\r\n\r\n"), 400),
    "S080 identity alone": (login(b"Transfer-Encoding: identity", body=b"0\r\n\r\n"), 400),
    "S080 xchunked": (login(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 400),
    "S081 1.0": (login(CHUNKED, body=b"0\r\n\r\n", version=b"1.0"), 400),
    "S082 folded": (login(b"A: b\r\n c"), 400),
    "S083 bare CR": (login(b"A: b\rc"), 400),
    "S083 NUL": (login(b"A: b\0c"), 400),
    "S084 size zz": (login(CHUNKED, body=b"zz\r\nabc\r\n0\r\n\r\n"), 400),
    "S084 size of 17 digits": (login(CHUNKED, body=b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400),
    "S084 extension with LF": (login(CHUNKED, body=b"3;a=b\nabc\r\n0\r\n\r\n"), 400),
    "S084 overlong data": (login(CHUNKED, body=b"3\r\nabcdef\r\n0\r\n\r\n"), 400),
    "S084 chunks of a GET": (b"GET /api/users HTTP/1.1\r\n" + H + CHUNKED + b"\r\n\r\nzz\r\n", 400),
    "S085 no Host": (b"GET /api/users HTTP/1.1\r\n\r\n", 400),
    "S085 no Host in 1.0": (b"GET /api/users HTTP/1.0\r\n\r\n", 400),
    "S085 two Hosts": (b"GET /api/users HTTP/1.1\r\n" + H + H + b"\r\n", 400),
    "S085 two different Hosts": (b"GET /api/users HTTP/1.1\r\n" + H + b"Host: evil.example\r\n\r\n", 400),
    "S085 user": (request("/api/users", host="shop.example@evil.example"), 400),
    "S085 port above all": (request("/api/users", host="shop.example:99999"), 400),
    "S085 port of words": (request("/api/users", host="shop.example:80@evil"), 400),
    "S085 two ports": (request("/api/users", host="shop.example:80:80"), 400),
    "S087 PRI": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    "S087 CONNECT": (b"CONNECT 169.254.169.254:80 HTTP/1.1\r\n" + H + b"\r\n", 405),
    "S089 70 KB": (request("/api/users", headers=[("A", "a" * 70_000)]), 431),
    "S089 2,000 headers": (request("/api/users", headers=[("A", "a")] * 2_000), 431),
    "S089 100 headers and one": (request("/api/users", headers=[("A", "a")] * 100), 431),
    "S089 address": (request("/" + "a" * 20_000), 431),
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_is_malformed_is_refused_and_its_connection_closed(shared: Front, sent: bytes, status: int) -> None:
    """Also S088: what stands behind it on the same connection is not run."""
    before = shared.calls
    said = await shared.say(sent, SMUGGLED)
    assert said.statuses == ([status] if status else [])
    assert said.closed
    assert shared.calls == before, "a backend was called"


@pytest.mark.parametrize(
    "framing",
    [(b"Content-Length: 5", CHUNKED), (CHUNKED, b"Content-Length: 5")],
    ids=["S075 CL+TE", "S076 TE+CL"],
)
async def test_a_body_with_two_framings_is_answered_once_and_what_it_hides_is_not_run(
    shared: Front, framing: tuple[bytes, bytes]
) -> None:
    """hyper goes by the chunks, drops the length before the guard could see it, and closes: RFC 9112 section 6.3 allows it."""
    before = len(shared.seen)
    said = await shared.say(login(*framing, body=b"0\r\n\r\n" + SMUGGLED))
    assert (len(said.replies), said.closed) == (1, True)
    assert [seen.path for seen in shared.seen[before:]] == ["/login"]


async def test_a_line_that_ends_with_lf_alone_is_one_request_and_no_more(shared: Front) -> None:
    """S083: RFC 9112 section 2.2 allows a server to take it."""
    before = len(shared.seen)
    said = await shared.say(b"GET /api/users HTTP/1.1\nHost: shop.example\nConnection: close\n\n")
    assert said.statuses == [200]
    assert [seen.path for seen in shared.seen[before:]] == ["/v1/users"]


@pytest.mark.parametrize("method", ["TRACE", "FOO", "get", "PROPFIND", "QUERY"])
@pytest.mark.parametrize("path", ["/api/users", "/shop/v1/open", "/nowhere"])
async def test_s087_a_method_that_nobody_has_is_405_everywhere(shared: Front, method: str, path: str) -> None:
    before = shared.calls
    reply = await shared.ask(path, method)
    assert (reply.status, reply.problem) == (405, "method-not-allowed")
    assert reply.headers["allow"]
    assert shared.calls == before


async def test_s086_another_host_in_the_target_is_nowhere_used(shared: Front) -> None:
    """Granian hands over the path alone; the Host header is what is judged."""
    before = len(shared.seen)
    reply = await shared.ask("http://evil.example:81/api/users?a=1")
    assert reply.status == 200
    assert "evil" not in str(reply.headers) + reply.body.decode()
    assert [(seen.path, seen.query) for seen in shared.seen[before:]] == [("/v1/users", {"a": ["1"]})]
    assert "evil" not in str(shared.seen[before].headers)
    named = await shared.ask("http://shop.example/api/users", host="evil.example")
    assert (named.status, named.problem) == (421, "misdirected")


@pytest.mark.parametrize(
    ("host", "status"),
    {
        "shop.example": 200, "SHOP.EXAMPLE": 200, "shop.example.": 200, "shop.example:8000": 200,
        "evil.example": 421, "shop.example.evil": 421, "xshop.example": 421, "shop.example..": 421, "127.0.0.1": 421,
        "localhost": 421, "[::1]": 421,
    }.items(),
)  # fmt: skip
async def test_only_our_own_names_are_served(shared: Front, host: str, status: int) -> None:
    """S146's Host, S085."""
    before = shared.calls
    reply = await shared.ask("/api/users", host=host)
    assert reply.status == status
    assert shared.calls - before == (status == 200)


async def test_s088_what_follows_a_refused_body_is_not_run(shared: Front) -> None:
    """413, with the body on its way behind it."""
    before = shared.calls
    said = await shared.say(login(b"Content-Length: 999999", body=b"a" * 10), SMUGGLED)
    assert (said.statuses, said.closed) == ([413], True)
    assert shared.calls == before


@pytest.mark.slow
async def test_s090_a_body_that_is_announced_and_kept_back_is_408_within_six_seconds(shared: Front) -> None:
    before, began = shared.calls, time.monotonic()
    said = await shared.say(login(b"Content-Length: 3", b"Expect: 100-continue"))
    assert (said.statuses, said.closed) == ([408], True)
    assert time.monotonic() - began < 6.0 + 1.0  # a busy test machine's
    assert shared.calls == before


@pytest.mark.slow
async def test_s090_a_body_that_drips_is_408_long_before_its_end(shared: Front) -> None:
    """A byte a second: 300 bytes would hold a place in flight for 5 minutes."""
    before, began = shared.calls, time.monotonic()
    reader, writer = await shared.open()
    writer.write(login(b"Content-Length: 300"))

    async def drip() -> None:
        while True:
            writer.write(b"a")
            await asyncio.sleep(0.5)

    dripping = asyncio.create_task(drip())
    try:
        assert b" 408 " in await reader.readline()
    finally:
        dripping.cancel()
        writer.close()
    assert time.monotonic() - began < 7.0
    assert shared.calls == before
