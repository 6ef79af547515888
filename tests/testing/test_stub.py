"""The stub on a real socket: each fault as a client sees it, and what the service counts meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bff.testing.faults import Fault
from bff.testing.stub import StubReply, StubRequest, StubService

GREETING = {"hello": "you", "padding": "." * 100}
GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def stub() -> AsyncIterator[StubService]:
    async with StubService({"/hello": GREETING}) as service:
        yield service


@asynccontextmanager
async def peer(stub: StubService) -> AsyncIterator[Peer]:
    """A raw connection, closed at the end whatever happened to it."""
    reader, writer = await asyncio.open_connection(stub.host, stub.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def ask(stub: StubService, path: str = "/hello", method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://{stub.address}", trust_env=False) as client:
        return await client.request(method, path)


async def test_a_mapping_answers_json_and_404(stub: StubService) -> None:
    good, bad = await ask(stub), await ask(stub, "/nowhere")
    assert good.json() == GREETING
    assert good.headers["content-type"] == "application/json"
    assert (bad.status_code, bad.json()) == (404, {"error": "no /nowhere"})


async def test_a_handler_sees_the_request_decoded() -> None:
    got: list[StubRequest] = []

    async def handler(request: StubRequest) -> StubReply:
        got.append(request)
        return StubReply(b"made", 201, "text/plain", (("X-Twice", "a"), ("X-Twice", "b")))

    async with StubService(handler) as stub, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"http://{stub.address}/a%20b?id=1&id=2&empty=", content=b"x" * 100_000)
    assert (answer.status_code, answer.text, answer.headers.get_list("x-twice")) == (201, "made", ["a", "b"])
    [request] = got
    assert (request.method, request.path, request.raw_target) == ("POST", "/a b", "/a%20b?id=1&id=2&empty=")
    assert request.query == {"id": ["1", "2"], "empty": [""]}
    assert request.headers["content-length"] == "100000"
    assert len(request.body) == 100_000


async def test_head_has_the_length_and_no_body(stub: StubService) -> None:
    async with peer(stub) as (reader, writer):
        writer.write(b"HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
        head = await reader.readuntil(b"\r\n\r\n")
        assert f"Content-Length: {len(json.dumps(GREETING, separators=(',', ':')))}".encode() in head
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")  # no body stood between


async def test_connections_are_kept_unless_the_peer_says_close(stub: StubService) -> None:
    async with peer(stub) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            await reader.readuntil(b"}")
        writer.write(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"Connection: close" in await reader.read()
    assert (stub.counters.connections, stub.counters.finished) == (1, 4)


async def test_bytes_that_are_no_http_get_400_and_the_end(stub: StubService) -> None:
    async with peer(stub) as (reader, writer):
        writer.write(b"\x16\x03\x01 not http\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    assert stub.counters.calls == 0


async def test_a_handler_that_fails_answers_500_and_says_so_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: StubRequest) -> StubReply:
        raise LookupError(request.path)

    async with StubService(handler, name="orders") as stub:
        assert (await ask(stub, "/x")).status_code == 500
    assert "orders: the handler failed at /x" in caplog.text


async def test_latency_delays_and_then_answers_well(stub: StubService) -> None:
    stub.fault = Fault("latency", ms=30)
    assert (await ask(stub)).json() == GREETING
    [record] = stub.seen
    assert record.ended is not None
    assert record.ended - record.started >= 0.03


async def test_status_answers_with_its_headers_and_retry_after(stub: StubService) -> None:
    stub.fault = Fault("status", status=503, headers=(("X-Why", "load"),), retry_after=1.5)
    answer = await ask(stub)
    assert (answer.status_code, answer.headers["x-why"], answer.headers["retry-after"]) == (503, "load", "2")


async def test_a_path_can_have_a_fault_of_its_own(stub: StubService) -> None:
    stub.fault = Fault("status", status=500)
    stub.faults["/hello"] = Fault("status", status=429)
    assert [(await ask(stub, path)).status_code for path in ("/hello", "/other")] == [429, 500]
    stub.fault, stub.faults = None, {}
    assert (await ask(stub)).status_code == 200


async def test_hang_never_answers_and_ends_when_the_peer_goes(stub: StubService) -> None:
    stub.fault = Fault("hang")
    async with peer(stub) as (_, writer):
        writer.write(GET)
        await stub.wait_for(lambda: stub.counters.calls == 1)
        stub.fault = None  # healing does not wake it
        await ask(stub)
        assert (stub.counters.calls, stub.counters.finished) == (2, 1)
    await stub.wait_for(lambda: stub.counters.cancels == 1)
    assert stub.seen[0].cancelled
    assert stub.seen[0].ended is not None


async def test_the_handlers_work_is_cancelled_when_the_peer_goes() -> None:
    ended: list[str] = []

    async def handler(request: StubRequest) -> StubReply:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(request.path)
        return StubReply()

    async with StubService(handler) as stub:
        async with peer(stub) as (_, writer):
            writer.write(GET)
            await stub.wait_for(lambda: stub.counters.calls == 1)
        await stub.wait_for(lambda: stub.counters.cancels == 1 and ended == ["/hello"])


async def test_reset_breaks_the_connection_before_any_byte(stub: StubService) -> None:
    stub.fault = Fault("reset")
    async with peer(stub) as (reader, writer):
        writer.write(GET)
        with pytest.raises(ConnectionResetError):
            await reader.read()
    assert (stub.counters.calls, stub.counters.bytes_out, stub.counters.cancels) == (1, 0, 0)


async def test_reset_midway_gives_half_the_body_and_breaks(stub: StubService) -> None:
    stub.fault = Fault("reset_midway")
    async with peer(stub) as (reader, writer):
        writer.write(GET)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: " in head
        half = json.dumps(GREETING, separators=(",", ":")).encode()
        half = half[: len(half) // 2]
        assert await reader.readexactly(len(half)) == half
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_truncate_promises_the_whole_and_ends_at_half(stub: StubService) -> None:
    stub.fault = Fault("truncate")
    async with peer(stub) as (reader, writer):
        writer.write(GET)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    promised = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
    assert len(body) == promised // 2
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(stub)


async def test_drip_sends_the_body_piece_by_piece(stub: StubService) -> None:
    stub.fault = Fault("drip", bytes_per_second=2_000)
    assert (await ask(stub)).json() == GREETING
    stub.fault = Fault("drip", bytes_per_second=1)
    async with peer(stub) as (reader, writer):
        writer.write(GET)
        assert b" 200 OK" in await reader.readuntil(b"\r\n\r\n")
    await stub.wait_for(lambda: stub.counters.cancels == 1)


async def test_malformed_is_framed_well_and_no_json(stub: StubService) -> None:
    stub.fault = Fault("malformed")
    answer = await ask(stub)
    assert (answer.status_code, answer.content) == (200, b'{"broken": ')


async def test_close_idle_answers_well_and_closes_the_kept_connection(stub: StubService) -> None:
    stub.fault = Fault("close_idle")
    async with peer(stub) as (reader, writer):
        writer.write(GET)
        everything = await reader.read()
    assert b"close" not in everything
    assert everything.endswith(b"}")


async def test_raw_writes_what_it_was_given(stub: StubService) -> None:
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    stub.fault = Fault("raw", raw=forged)
    async with peer(stub) as (reader, writer):
        writer.write(GET)
        assert await reader.read() == forged


async def test_an_answer_that_the_peer_does_not_take_counts_as_cancelled() -> None:
    async with StubService(lambda _: StubReply(b"x" * 20_000_000)) as stub:
        async with peer(stub) as (reader, writer):
            writer.write(GET)
            await reader.readexactly(1000)
            assert stub.counters.finished == 0
        await stub.wait_for(lambda: stub.counters.cancels == 1)
        assert len((await ask(stub)).content) == 20_000_000


async def test_going_away_refuses_and_coming_back_keeps_the_port(stub: StubService) -> None:
    port = stub.port
    async with peer(stub) as (reader, writer):
        stub.fault = Fault("hang")
        writer.write(GET)
        await stub.wait_for(lambda: stub.counters.calls == 1)
        await stub.stop_listening()
        assert (stub.counters.open_connections, stub.counters.cancels) == (0, 0)  # the service went, not the peer
        assert await reader.read() == b""
    with pytest.raises(httpx.ConnectError):
        await ask(stub)
    stub.fault = None
    await stub.resume()
    assert stub.port == port
    assert (await ask(stub)).status_code == 200


async def test_reset_counters_starts_anew_and_what_hangs_ends_uncounted(stub: StubService) -> None:
    stub.fault = Fault("hang")
    async with peer(stub) as (_, writer):
        writer.write(GET)
        await stub.wait_for(lambda: stub.counters.calls == 1)
        stub.reset_counters()
        assert stub.counters.as_dict()["open_connections"] == 1
    await stub.wait_for(lambda: stub.counters.open_connections == 0)
    assert (stub.counters.calls, stub.counters.cancels, len(stub.seen)) == (0, 0, 0)


async def test_wait_for_says_what_was_not_so(stub: StubService) -> None:
    with pytest.raises(TimeoutError, match="stub: not so within"):
        await stub.wait_for(lambda: stub.counters.calls == 1, timeout=0.01)
