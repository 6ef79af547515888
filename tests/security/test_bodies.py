"""Bodies that are too large, packed, deep or of another type: refused before anything reads them (S057, S103-S109)."""

import gzip
import time
from collections.abc import AsyncIterator

import orjson
import pytest
import pytest_asyncio

from tests.security.raw import MAX_BODY, Front, front

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = ("Content-Type", "application/json")
GRAPHQL = "/shop/graphql"
# What the server may have read beyond the limit before it refuses: what the kernel and hyper hold.
MARGIN = 64 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared")
async def _shared() -> AsyncIterator[Front]:
    async with front() as door:
        yield door


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json"]
)
async def test_s057_json_of_another_type_is_415(shared: Front, kind: str) -> None:
    """What a form of any page can send without being asked about it."""
    before = shared.calls
    headers = [("Content-Type", kind)] if kind else []
    reply = await shared.ask(GRAPHQL, "POST", headers, orjson.dumps({"query": "{ open { name } }"}))
    assert (reply.status, reply.problem) == (415, "unsupported-media-type")
    assert shared.calls == before


@pytest.mark.parametrize("target", ["/api/login", GRAPHQL])
async def test_s103_a_length_above_the_limit_is_413_unread(shared: Front, target: str) -> None:
    before = shared.calls
    head = f"POST {target} HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    said = await shared.say(head.encode())  # not a byte of the body: nobody waits for it
    assert (said.statuses, said.closed) == ([413], True)
    assert shared.calls == before


@pytest.mark.parametrize("target", ["/api/login", GRAPHQL])
async def test_s103_chunks_are_read_no_further_than_the_limit(shared: Front, target: str) -> None:
    before = shared.calls
    head = (
        f"POST {target} HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    already = shared.counted.read
    chunk = b"1000\r\n" + b"a" * 0x1000 + b"\r\n"
    said = await shared.say(head.encode(), chunk * (4 * MAX_BODY // 0x1000))
    read = shared.counted.read - already
    assert (said.statuses, said.closed) == ([413], True)
    assert MAX_BODY < read <= MAX_BODY + MARGIN
    assert shared.calls == before


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "gzip, gzip", "x"])
@pytest.mark.parametrize("target", ["/api/login", GRAPHQL])
async def test_s104_a_packed_body_is_415(shared: Front, target: str, coding: str) -> None:
    """50 MB in 50 KB; nothing here unpacks, and no backend is given it to unpack."""
    before, bomb = shared.calls, gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < MAX_BODY
    reply = await shared.ask(target, "POST", [JSON, ("Content-Encoding", coding)], bomb)
    assert (reply.status, reply.problem) == (415, "unsupported-media-type")
    assert shared.calls == before


DEEP = b"[" * 1_100 + b"]" * 1_100
ODD = {
    "S105 depth 1,100": (b'{"query":"{ open { name } }","variables":{"a":' + DEEP + b"}}", {400, 422, 200}),
    "S105 depth 30,000": (b"[" * 30_000, {400}),
    "S106 an array of 30,000": (b'{"query":"{ open { name } }","variables":[' + b"1," * 30_000 + b"1]}", {400}),
    "S107 NaN": (b'{"query":"{ open { name } }","variables":{"a":NaN}}', {400}),
    "S107 Infinity": (b'{"query":"{ open { name } }","variables":{"a":Infinity}}', {400}),
    "S107 lone surrogate": (b'{"query":"{ open { name } }","operationName":"\\ud800"}', {400}),
    "S107 not UTF-8": (b'{"query":"{ open { name } } # \xff"}', {400}),
    "S107 UTF-16": ('{"query":"{ open { name } }"}'.encode("utf-16"), {400}),
    "S107 a member twice": (b'{"query":"{ nothing }","query":"{ open { name } }"}', {400}),
    "S107 two values": (b'{"query":"{ open { name } }"}{"query":"{ open { name } }"}', {400}),
    "S109 a batch of 10,000": (b"[" + b"{}," * 9_999 + b"{}]", {400}),
}


@pytest.mark.parametrize(("body", "statuses"), ODD.values(), ids=ODD)
async def test_json_that_layers_read_differently_or_that_is_a_load_is_refused_in_no_time(
    shared: Front, body: bytes, statuses: set[int]
) -> None:
    before, began = shared.calls, time.process_time()  # ours: the server runs in this process
    reply = await shared.ask(GRAPHQL, "POST", [JSON], body)
    assert reply.status in statuses
    assert time.process_time() - began < 0.5
    if reply.status != 200:
        assert shared.calls == before


async def test_s106_an_array_of_10_million_is_above_the_limit(shared: Front) -> None:
    head = (
        f"POST {GRAPHQL} HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: 20000001\r\n\r\n"
    )
    said = await shared.say(head.encode())
    assert said.statuses == [413]


@pytest.mark.parametrize(("target", "statuses"), [("/api/login", [413]), (GRAPHQL, [413])])
async def test_s109_10_000_parts_are_413(shared: Front, target: str, statuses: list[int]) -> None:
    """Nobody here reads parts: what counts is their size."""
    before = shared.calls
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    body = part * 10_000 + b"--x--\r\n"
    head = f"POST {target} HTTP/1.1\r\nHost: shop.example\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    said = await shared.say(f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body)
    assert said.statuses == statuses
    assert shared.calls == before
