"""The wire under the faults of the matrix (F05-F11, F26, F27): what the caller gets, what the backend saw, what is left."""

import asyncio
import gzip
import random
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bff.deadline import Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendError, BackendInvalid, BackendTimeout, BackendUnreachable
from bff.testing.stub import Fault, StubReply, StubRequest, StubService
from bff.upstream.call import Call, Reply
from bff.upstream.http1_response import FramingError, ResponseReader
from bff.upstream.stats import InstanceStats
from bff.upstream.wire import Http1Wire, WireLimits
from tests.faults.proxy import FaultProxy, Toxics
from tests.upstream.one_wire import OneWire

BODY = bytes(range(256)) * 8  # 2 KB in which every piece can be told from every other


class Once(dict[str, Fault]):
    """Faults that strike one call each."""

    def get(self, key: str, default: Fault | None = None) -> Fault | None:  # type: ignore[override]  # narrower is all we need
        return self.pop(key, default)


@pytest.fixture
async def stub() -> AsyncIterator[StubService]:
    async with StubService(lambda _: StubReply(BODY)) as service:
        yield service


MakeWire = Callable[..., OneWire]


@pytest.fixture
async def make_wire() -> AsyncIterator[MakeWire]:
    """Wires that are closed at the end, when nothing of them may be left."""
    wires: list[OneWire] = []

    def make(address: str, **limits: float) -> OneWire:
        stats = InstanceStats()
        allowed = {"connect_timeout": 2.0, **limits}  # a busy machine takes longer than the default now and then
        wire = Http1Wire("stub", Endpoint.of(f"http://{address}"), stats, WireLimits(**allowed))  # type: ignore[arg-type]  # ints are given as ints
        wires.append(OneWire(wire, stats))
        return wires[-1]

    yield make
    for wire in wires:
        await wire.close()
        stats = wire.stats
        assert (stats.connecting, stats.idle) == (0, 0)
        assert stats.opened == stats.closed
    assert len(asyncio.all_tasks()) <= 2  # this fixture and the stub's: the wire has none of its own


def call(method: str = "GET", target: str = "/", seconds: float = 5.0) -> Call:
    return Call("stub", method, target, Deadline.after(seconds), body=b"{}" if method == "POST" else b"")


async def outcome(sending: Awaitable[Reply]) -> Reply | BackendError:
    try:
        return await sending
    except BackendError as error:
        return error


# F05: RST after the request, before a byte


async def test_f05_a_get_on_a_kept_connection_that_is_reset_is_sent_once_more_on_a_new_one(
    stub: StubService, make_wire: MakeWire
) -> None:
    wire = make_wire(stub.address)
    await wire.send(call())
    stub.faults = Once({"/again": Fault("reset")})
    assert (await wire.send(call(target="/again"))).body == BODY
    assert [record.path for record in stub.seen] == ["/", "/again", "/again"]
    assert wire.stats.stale == 1
    assert stub.counters.connections == 2


async def test_f05_a_get_that_is_reset_twice_is_not_sent_a_third_time(stub: StubService, make_wire: MakeWire) -> None:
    wire = make_wire(stub.address)
    await wire.send(call())
    stub.faults = {"/again": Fault("reset")}
    with pytest.raises(BackendUnreachable):
        await wire.send(call(target="/again"))
    assert [record.path for record in stub.seen] == ["/", "/again", "/again"]


async def test_f05_a_get_on_a_new_connection_that_is_reset_is_not_sent_again(stub: StubService, make_wire: MakeWire) -> None:
    stub.fault = Fault("reset")
    with pytest.raises(BackendUnreachable):
        await make_wire(stub.address).send(call())
    assert len(stub.seen) == 1


async def test_f05_a_post_is_seen_exactly_once_in_a_thousand(stub: StubService, make_wire: MakeWire) -> None:
    wire = make_wire(stub.address)
    for number in range(1000):
        await wire.send(call())  # leaves a kept connection
        stub.faults = Once({f"/orders/{number}": Fault("reset")})
        with pytest.raises(BackendUnreachable):
            await wire.send(call("POST", f"/orders/{number}"))
    posts = [record.path for record in stub.seen if record.method == "POST"]
    assert posts == [f"/orders/{number}" for number in range(1000)]


async def test_f05_a_post_with_an_idempotency_key_may_be_sent_once_more(stub: StubService, make_wire: MakeWire) -> None:
    wire = make_wire(stub.address)
    await wire.send(call())
    stub.faults = Once({"/orders": Fault("reset")})
    order = call("POST", "/orders")
    order.idempotent = True
    assert (await wire.send(order)).status == 200
    assert stub.counters.calls == 3


async def test_f05_a_get_is_not_sent_again_once_a_byte_of_its_answer_came(stub: StubService, make_wire: MakeWire) -> None:
    wire = make_wire(stub.address)
    await wire.send(call())
    stub.faults = Once({"/again": Fault("raw", raw=b"H")})
    with pytest.raises(BackendUnreachable):
        await wire.send(call(target="/again"))
    assert stub.counters.calls == 2


async def test_a_connection_that_the_backend_ended_while_idle_is_not_used_again(stub: StubService, make_wire: MakeWire) -> None:
    wire = make_wire(stub.address)
    stub.faults = Once({"/": Fault("close_idle")})
    await wire.send(call())
    await until(lambda: wire.stats.closed == 1)
    assert wire.stats.idle == 0
    assert (await wire.send(call("POST"))).status == 200
    assert wire.stats.stale == 0


async def test_a_post_does_not_meet_a_connection_that_is_just_being_closed(stub: StubService, make_wire: MakeWire) -> None:
    wire = make_wire(stub.address)
    for _ in range(50):
        stub.faults = Once({"/": Fault("close_idle")})
        await wire.send(call())
        await stub.wait_for(lambda: stub.counters.open_connections == 0)  # the FIN is sent; our loop may not know yet
        assert (await wire.send(call("POST"))).status == 200


# F06: RST in the middle of the body


@pytest.mark.parametrize("rounds", [300, pytest.param(5000, marks=pytest.mark.slow)])
async def test_f06_a_reset_at_any_byte_gives_an_error_and_never_a_part(
    stub: StubService, make_wire: MakeWire, rounds: int
) -> None:
    chance = random.Random(6)
    async with FaultProxy(stub.host, stub.port) as proxy:
        wire = make_wire(proxy.address)
        whole = 0
        for _ in range(rounds):
            proxy.down = Toxics(reset=chance.randrange(1, len(BODY) + 200))
            got = await outcome(wire.send(call()))
            if isinstance(got, Reply):
                assert got.body == BODY
                whole += 1
            else:
                assert isinstance(got, BackendUnreachable)
    assert whole < rounds / 5  # the resets did strike


async def test_f06_reset_midway_is_unreachable(stub: StubService, make_wire: MakeWire) -> None:
    stub.fault = Fault("reset_midway")
    with pytest.raises(BackendUnreachable):
        await make_wire(stub.address).send(call())


# F07: a slow drip


async def test_f07_a_drip_ends_with_the_deadline_and_its_connection(stub: StubService, make_wire: MakeWire) -> None:
    stub.fault = Fault("drip", bytes_per_second=20)
    wire = make_wire(stub.address, first_byte_timeout=0.2)
    started = time.monotonic()
    with pytest.raises(BackendTimeout, match="not whole"):
        await wire.send(call(seconds=0.4))
    assert 0.39 <= time.monotonic() - started <= 0.45
    assert wire.stats.idle == 0
    await stub.wait_for(lambda: stub.counters.cancels == 1)


async def test_f07_a_drip_of_the_head_too(stub: StubService, make_wire: MakeWire) -> None:
    async with FaultProxy(stub.host, stub.port) as proxy:
        proxy.down = Toxics(slice=1, bandwidth=50)
        started = time.monotonic()
        with pytest.raises(BackendTimeout):
            await make_wire(proxy.address).send(call(seconds=0.2))
        assert time.monotonic() - started <= 0.25


# F08: an answer cut short


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX: y\r\n\r\n",
    ],
    ids=["length", "chunked"],
)
async def test_f08_an_answer_cut_at_any_byte_is_an_error(stub: StubService, make_wire: MakeWire, raw: bytes) -> None:
    wire = make_wire(stub.address)
    for cut in range(len(raw)):
        stub.fault = Fault("raw", raw=raw[:cut])
        with pytest.raises(BackendUnreachable):
            await wire.send(call())
    stub.fault = Fault("raw", raw=raw)
    assert (await wire.send(call())).body == b"abcdef"


async def test_f08_truncate_is_unreachable(stub: StubService, make_wire: MakeWire) -> None:
    stub.fault = Fault("truncate")
    with pytest.raises(BackendUnreachable):
        await make_wire(stub.address).send(call())


# F09, the framing part; the table is in tests/upstream/test_wire_framing.py


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI",
        b"<html>503 from a box in between</html>\r\n\r\n",
    ],
    ids=["length-and-chunked", "gzip-chunked", "upgrade", "html"],
)
async def test_f09_broken_framing_is_invalid_and_ends_the_connection(
    stub: StubService, make_wire: MakeWire, raw: bytes
) -> None:
    wire = make_wire(stub.address)
    stub.fault = Fault("raw", raw=raw)
    with pytest.raises(BackendInvalid):
        await wire.send(call())
    assert wire.stats.idle == 0


async def test_what_follows_an_answer_is_never_the_next_one(stub: StubService, make_wire: MakeWire) -> None:
    wire = make_wire(stub.address)
    ours = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nours"
    stub.faults = Once({"/": Fault("raw", raw=ours + ours.replace(b"ours", b"evil"))})
    assert (await wire.send(call())).body == b"ours"
    assert wire.stats.idle == 0
    assert (await wire.send(call())).body == BODY


async def test_bytes_on_an_idle_connection_end_it(stub: StubService, make_wire: MakeWire) -> None:
    """A backend that says more, later: the proxy lets the answer through and the rest only afterwards."""
    async with FaultProxy(stub.host, stub.port) as proxy:
        wire = make_wire(proxy.address)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
        stub.fault = Fault("raw", raw=head + b"ours" + head + b"evil")
        proxy.down = Toxics(slice=len(head) + 4, bandwidth=2000, slow_close=60)
        assert (await wire.send(call())).body == b"ours"
        stub.fault = None
        await until(lambda: wire.stats.closed == 1)
        proxy.down = Toxics()
        assert (await wire.send(call())).body == BODY


async def until(predicate: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not predicate():  # noqa: ASYNC110 (the wire's counts have no event; a turn of the loop is no wait)
            await asyncio.sleep(0)


@pytest.mark.parametrize("piece", [1, 3, 100])
async def test_an_answer_in_small_segments_is_read_whole(stub: StubService, make_wire: MakeWire, piece: int) -> None:
    async with FaultProxy(stub.host, stub.port) as proxy:
        proxy.down = proxy.up = Toxics(slice=piece)
        wire = make_wire(proxy.address)
        assert [(await wire.send(call("POST"))).body for _ in range(3)] == [BODY] * 3
        assert proxy.connections == 1


# F11: more than anyone asked for

MIB = 1024 * 1024


async def endless(opening: bytes, piece: bytes) -> tuple[asyncio.Server, list[int]]:
    """A backend that sends `piece` for as long as it is let; the list counts the bytes."""
    sent = [0]

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(opening)
        try:
            while True:
                writer.write(piece)
                await writer.drain()
                sent[0] += len(piece)
        except ConnectionError:
            writer.close()

    return await asyncio.start_server(pour, "127.0.0.1", 0), sent


PIECE = b"x" * 65536


@pytest.mark.parametrize(
    ("opening", "piece", "most"),
    [
        (b"Content-Length: 1073741824\r\n\r\n", PIECE, 8 * MIB),  # refused by its head: what the kernel buffers
        (b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + PIECE + b"\r\n", 16 * MIB),
        (b"\r\n", PIECE, 16 * MIB),
        (b"X: ", PIECE, 8 * MIB),
        (b"Transfer-Encoding: chunked\r\n\r\n1;", PIECE, 8 * MIB),
        (b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", PIECE, 8 * MIB),
        (b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", b"%x\r\n%b\r\n", 8 * MIB),
    ],
    ids=["length", "chunks", "to-close", "head", "extension", "trailer", "gzip-bomb"],
)
async def test_f11_an_answer_of_a_gigabyte_is_cut_at_the_cap(
    make_wire: MakeWire, opening: bytes, piece: bytes, most: int
) -> None:
    if b"gzip" in opening:
        bomb = gzip.compress(bytes(64 * MIB), 6)
        piece = piece % (len(bomb), bomb)
    server, sent = await endless(b"HTTP/1.1 200 OK\r\n" + opening, piece)
    wire = make_wire(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    before = memory()
    with pytest.raises(BackendInvalid):
        await wire.send(call())
    assert memory() - before < 20 * MIB
    assert sent[0] < most
    assert wire.stats.idle == 0
    server.close()


def memory() -> int:
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def test_f11_a_bomb_holds_the_loop_for_less_than_50_ms() -> None:
    bomb = gzip.compress(bytes(200 * MIB), 6)
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    limits = WireLimits()
    reader = ResponseReader(limits.max_head, limits.max_headers, limits.max_body)
    started = time.thread_time()
    with pytest.raises(FramingError, match="gzip unfolds"):
        reader.feed(raw)
    assert time.thread_time() - started < 0.05


# F03, F04: no connection


async def test_f04_a_refused_connection_is_unreachable_at_once(stub: StubService, make_wire: MakeWire) -> None:
    wire = make_wire(stub.address)
    await stub.stop_listening()
    started = time.monotonic()
    with pytest.raises(BackendUnreachable):
        await wire.send(call())
    assert time.monotonic() - started <= 0.03
    assert wire.stats.connecting == 0


async def test_a_swallowed_request_ends_at_the_first_byte_timeout(stub: StubService, make_wire: MakeWire) -> None:
    async with FaultProxy(stub.host, stub.port) as proxy:
        proxy.up = Toxics(blackhole=True)
        wire = make_wire(proxy.address, first_byte_timeout=0.05)
        started = time.monotonic()
        with pytest.raises(BackendTimeout, match="no byte"):
            await wire.send(call())
        assert time.monotonic() - started <= 0.1


# What was written


async def test_a_request_counts_as_written_once_its_last_byte_is_with_the_kernel(make_wire: MakeWire) -> None:
    read_on = asyncio.Event()

    async def slow_reader(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_on.wait()
        await reader.readuntil(b"last")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(slow_reader, "127.0.0.1", 0, limit=64 * MIB)
    wire = make_wire(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    big = Call("stub", "POST", "/", Deadline.after(5), body=bytes(32 * MIB) + b"last")  # more than is buffered on the way
    sending = asyncio.create_task(wire.send(big))
    await until(lambda: wire.stats.opened == 1)
    assert wire.stats.written == 0
    read_on.set()
    assert (await sending).status == 204
    assert (wire.stats.written, wire.stats.idle) == (1, 1)
    await wire.close()
    server.close()


async def test_a_request_that_was_cut_half_written_does_not_count(make_wire: MakeWire) -> None:
    gone = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1000)
    wire = make_wire(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    with pytest.raises(BackendTimeout):
        await wire.send(Call("stub", "POST", "/", Deadline.after(0.1), body=bytes(32 * MIB)))
    assert wire.stats.written == 0
    gone.set()
    server.close()


# F26: who asked goes away


@pytest.mark.parametrize("waves", [1, pytest.param(10, marks=pytest.mark.slow)])
async def test_f26_the_backend_sees_the_close_of_a_cancelled_call(stub: StubService, make_wire: MakeWire, waves: int) -> None:
    stub.fault = Fault("hang")
    wire = make_wire(stub.address, connect_timeout=5)
    late = 0
    for wave in range(1, waves + 1):
        tasks = [asyncio.create_task(wire.send(call(seconds=30))) for _ in range(100)]
        await stub.wait_for(lambda wave=wave: stub.counters.calls == wave * 100)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        cancelled = time.monotonic()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        await stub.wait_for(lambda wave=wave: stub.counters.cancels == wave * 100)  # type: ignore[misc]  # as above
        wave_seen = list(stub.seen)[-100:]
        late += sum(1 for record in wave_seen if record.ended is None or record.ended - cancelled > 0.1)
    assert late <= waves


# F27: a storm of cancelled calls, of deadlines, or of both


@pytest.mark.parametrize("storm", ["cancels", "deadlines"])
@pytest.mark.parametrize("count", [2000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_f27_after_a_storm_the_pool_is_whole(make_wire: MakeWire, storm: str, count: int) -> None:
    chance = random.Random(27)

    async def answer(request: StubRequest) -> StubReply:
        await asyncio.sleep(chance.uniform(0, 0.008))
        return StubReply(request.path.encode())

    async with StubService(answer) as stub:
        wire = make_wire(stub.address, connect_timeout=5)
        gate = asyncio.Semaphore(40)
        loop = asyncio.get_running_loop()

        async def one(number: int) -> str:
            hurt = chance.random() < 0.5
            moment = chance.uniform(0, 0.012)
            async with gate:
                seconds = moment if hurt and storm == "deadlines" else 30
                sending = loop.create_task(wire.send(call(target=f"/{number}", seconds=seconds)))
                if hurt and storm == "cancels":
                    loop.call_later(moment, sending.cancel)
                try:
                    reply = await sending
                except asyncio.CancelledError:
                    assert hurt
                    return "cancelled"
                except BackendTimeout:
                    assert hurt
                    return "late"
                assert reply.body == f"/{number}".encode()  # its own answer, nobody else's
                return "answered"

        async with asyncio.timeout(60):
            outcomes = Counter(await asyncio.gather(*(one(number) for number in range(count))))
        assert outcomes["answered"] > count / 2
        assert outcomes["cancelled"] + outcomes["late"] > count / 10  # the storm did strike

        healthy = await asyncio.gather(*(wire.send(call(target="/well")) for _ in range(20)))
        assert [reply.status for reply in healthy] == [200] * 20
        stats = wire.stats
        assert stats.connecting == 0
        assert stats.opened - stats.closed == stats.idle
