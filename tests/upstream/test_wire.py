"""The wire to well-behaved backends: what is kept, for how long, how much of it, and how it ends."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bff.deadline import LOOP_CLOCK, Clock, Deadline, Timer
from bff.endpoint import Endpoint
from bff.errors import BackendError, BackendTimeout, BackendUnreachable
from bff.testing.stub import Fault, StubReply, StubRequest, StubService
from bff.upstream.call import Call, Headers
from bff.upstream.http1 import Connection
from bff.upstream.http1_response import ResponseReader
from bff.upstream.stats import InstanceStats
from bff.upstream.wire import Http1Wire, WireLimits
from tests.upstream.one_wire import OneWire


class FastClock:
    """Real time that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.monotonic() + self.ahead

    def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Timer:
        return LOOP_CLOCK.call_at(when - self.ahead, callback, *args)


@pytest.fixture
async def stub() -> AsyncIterator[StubService]:
    async with StubService({"/users/7": {"name": "Ada"}}) as service:
        yield service


def wire_to(address: str, limits: WireLimits | None = None, clock: Clock = LOOP_CLOCK) -> OneWire:
    stats = InstanceStats()
    return OneWire(Http1Wire("users", Endpoint.of(f"http://{address}"), stats, limits, clock=clock), stats, clock)


def call(method: str = "GET", target: str = "/users/7", seconds: float = 5.0, headers: Headers = ()) -> Call:
    return Call("users", method, target, Deadline.after(seconds), headers)


async def test_an_answer_comes_whole_whatever_its_status(stub: StubService) -> None:
    wire = wire_to(stub.address)
    well, missing = await wire.send(call()), await wire.send(call(target="/nobody"))
    assert (well.status, well.body, well.instance) == (200, b'{"name":"Ada"}', stub.address)
    assert well.header(b"content-type") == b"application/json"
    assert missing.status == 404
    await wire.close()


async def test_one_call_after_another_takes_one_connection(stub: StubService) -> None:
    wire = wire_to(stub.address)
    for method in ("GET", "POST", "HEAD", "DELETE", "GET"):
        await wire.send(call(method))
    assert stub.counters.connections == 1
    assert wire.stats.idle == 1
    await wire.close()


async def test_the_connection_that_rested_last_is_used_first(stub: StubService) -> None:
    clock = FastClock()
    wire = wire_to(stub.address, WireLimits(idle_timeout=4), clock=clock)
    await asyncio.gather(*(wire.send(call()) for _ in range(3)))
    assert stub.counters.connections == 3
    assert isinstance(wire.wire, Http1Wire)
    idle = wire.wire._pool._idle
    last = next(reversed(idle))
    for _ in range(5):
        await wire.send(call())
        assert next(reversed(idle)) is last
    await wire.close()


async def test_no_more_than_the_limit_are_kept(stub: StubService) -> None:
    wire = wire_to(stub.address, WireLimits(max_idle=2))
    await asyncio.gather(*(wire.send(call()) for _ in range(5)))
    await stub.wait_for(lambda: stub.counters.open_connections == 2)
    assert wire.stats.idle == 2
    await wire.close()


async def test_a_connection_past_its_age_is_not_used_again(stub: StubService) -> None:
    clock = FastClock()
    wire = wire_to(stub.address, WireLimits(max_connection_age=60, idle_timeout=600), clock=clock)
    await wire.send(call())
    clock.ahead = 59.0
    await wire.send(Call("users", "GET", "/users/7", Deadline.after(5, clock)))
    assert stub.counters.connections == 1
    clock.ahead = 61.0
    await wire.send(Call("users", "GET", "/users/7", Deadline.after(5, clock)))
    assert stub.counters.connections == 2
    await wire.close()


async def test_an_idle_connection_is_closed_in_time_though_nobody_calls(stub: StubService) -> None:
    wire = wire_to(stub.address, WireLimits(idle_timeout=0.05))
    started = time.monotonic()
    await wire.send(call())
    await stub.wait_for(lambda: stub.counters.open_connections == 0)
    assert 0.045 <= time.monotonic() - started <= 0.2
    assert wire.stats.idle == 0
    await wire.close()


async def test_connection_close_is_respected(stub: StubService) -> None:
    stub.fault = Fault("status", status=200, headers=(("Connection", "close"),))
    wire = wire_to(stub.address)
    await wire.send(call())
    await wire.send(call())
    assert stub.counters.connections == 2
    assert wire.stats.idle == 0
    await wire.close()


async def test_cookies_are_not_kept_and_redirects_not_followed() -> None:
    def answer(request: StubRequest) -> StubReply:
        return StubReply(status=302, headers=(("Location", "/other"), ("Set-Cookie", "session=ada")))

    async with StubService(answer) as stub:
        wire = wire_to(stub.address)
        assert [(await wire.send(call())).status for _ in range(2)] == [302, 302]
        assert [record.path for record in stub.seen] == ["/users/7", "/users/7"]
        assert not any("cookie" in record.headers for record in stub.seen)
        await wire.close()


async def test_a_call_without_time_left_does_not_connect(stub: StubService) -> None:
    wire = wire_to(stub.address)
    with pytest.raises(BackendTimeout) as caught:
        await wire.send(call(seconds=0))
    assert caught.value.ours  # it tells nothing of the backend
    assert not caught.value.sent
    assert stub.counters.connections == 0


async def test_a_call_that_cannot_be_written_is_our_fault_and_does_not_connect(stub: StubService) -> None:
    wire = wire_to(stub.address)
    with pytest.raises(ValueError, match="target"):
        await wire.send(call(target="/a b"))
    assert stub.counters.connections == 0


@pytest.mark.parametrize(("total", "expected"), [(5.0, 0.25), (0.1, 0.1)], ids=["connect-timeout", "deadline"])
async def test_f03_a_connection_that_nobody_accepts_ends_in_time(total: float, expected: float) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(3)]  # fill the backlog: from then on Linux drops every SYN
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        wire = wire_to(f"127.0.0.1:{address[1]}")
        started = time.monotonic()
        with pytest.raises(BackendTimeout, match="no connection") as caught:
            await wire.send(call(seconds=total))
        assert not caught.value.sent
        assert expected - 0.01 <= time.monotonic() - started <= expected + 0.05
        assert wire.stats.connecting == 0
        for filler in fillers:
            filler.close()


async def test_close_ends_calls_in_flight_and_every_socket(stub: StubService) -> None:
    wire = wire_to(stub.address)
    await wire.send(call())
    stub.fault = Fault("hang")
    hanging = [asyncio.create_task(wire.send(call())) for _ in range(2)]
    await stub.wait_for(lambda: stub.counters.calls == 3)
    await wire.close()
    for ended in await asyncio.gather(*hanging, return_exceptions=True):
        assert isinstance(ended, BackendUnreachable)
        assert ended.ours  # we closed it
        assert ended.sent
    stats = wire.stats
    assert (stats.idle, stats.opened) == (0, stats.closed)
    with pytest.raises(BackendUnreachable) as caught:
        await wire.send(call())
    assert not caught.value.sent


async def test_what_nobody_listened_to_was_not_sent_and_what_broke_or_was_late_may_have_been(stub: StubService) -> None:
    wire = wire_to(stub.address)
    for kind in ("reset", "reset_midway", "truncate", "hang"):
        stub.fault = Fault(kind)
        with pytest.raises(BackendError) as caught:
            await wire.send(call(method="POST", seconds=0.2))
        assert caught.value.sent
    await stub.stop_listening()
    with pytest.raises(BackendUnreachable) as refused:
        await wire.send(call(method="POST"))
    assert not refused.value.sent
    await wire.close()


async def test_what_went_onto_a_stale_connection_may_have_been_done_though_a_new_one_cannot_be_had() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")  # it takes the second request, and is gone
        server.close()
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    wire = wire_to(f"{host}:{port}")
    await wire.send(call())
    with pytest.raises(BackendUnreachable, match="Connect") as caught:
        await wire.send(call())
    assert wire.stats.stale == 1
    assert caught.value.sent
    await wire.close()


async def test_close_ends_a_call_that_is_still_connecting(stub: StubService) -> None:
    wire = wire_to(stub.address)
    sending = asyncio.create_task(wire.send(call()))
    await asyncio.sleep(0)
    assert wire.stats.connecting == 1
    await wire.close()
    with pytest.raises(BackendUnreachable):
        await sending
    await stub.wait_for(lambda: stub.counters.connections == 1 and stub.counters.open_connections == 0)


# The connection by itself, on a transport of paper: what no real backend does on demand.


class Paper(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def write(self, data: Any) -> None:  # Any: asyncio's own signature takes every kind of buffer
        pass

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Keeper:
    def __init__(self) -> None:
        self.kept: list[Connection] = []

    def rested(self, connection: Connection, now: float) -> float:
        self.kept.append(connection)
        return now + 4

    def lost(self, connection: Connection) -> None: ...


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


def connected() -> tuple[Connection, Paper, Keeper]:
    keeper, paper = Keeper(), Paper()
    connection = Connection("users", "users:80", keeper, ResponseReader(500, 10, 1000), InstanceStats(), LOOP_CLOCK)
    connection.connection_made(paper)
    return connection, paper, keeper


async def test_bytes_that_nobody_asked_for_end_an_idle_connection() -> None:
    connection, paper, keeper = connected()
    waiter = connection.ask(b"GET", Deadline.after(5).at)
    connection.data_received(ANSWER)
    assert (await waiter).body == b"abc"
    assert keeper.kept == [connection]
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert paper.aborted


async def test_a_connection_with_unsent_request_bytes_is_not_kept() -> None:
    connection, paper, keeper = connected()
    waiter = connection.ask(b"POST", Deadline.after(5).at)
    connection.pause_writing()  # the backend answers (413, say) before it has read us
    connection.data_received(ANSWER)
    assert (await waiter).status == 200
    assert keeper.kept == []
    assert paper.aborted


async def test_a_request_whose_write_failed_does_not_count_as_written() -> None:
    class Broken(Paper):
        def write(self, data: Any) -> None:  # Any: as above
            self.aborted = True  # what both loops do when the kernel refuses: they tell of it in a later turn

    stats = InstanceStats()
    connection = Connection("users", "users:80", Keeper(), ResponseReader(500, 10, 1000), stats, LOOP_CLOCK)
    connection.connection_made(Broken())
    waiter = connection.ask(b"GET", Deadline.after(5).at)
    connection.connection_lost(BrokenPipeError())
    with pytest.raises(BackendUnreachable):
        await waiter
    assert stats.written == 0


async def test_the_alarm_is_set_once_for_many_calls() -> None:
    set_for: list[float] = []

    class Counting(FastClock):
        def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Timer:
            set_for.append(when)
            return super().call_at(when, callback, *args)

    keeper, paper = Keeper(), Paper()
    connection = Connection("users", "users:80", keeper, ResponseReader(500, 10, 1000), InstanceStats(), Counting())
    connection.connection_made(paper)
    for _ in range(100):
        waiter = connection.ask(b"GET", Deadline.after(5).at)
        connection.data_received(ANSWER)
        await waiter
    assert len(set_for) <= 2  # the first call's deadline, then the end of the idle time
    connection.abort()


async def test_an_earlier_deadline_after_a_later_one_still_ends_its_call() -> None:
    connection, paper, _ = connected()
    waiter = connection.ask(b"GET", Deadline.after(60).at)
    connection.data_received(ANSWER)
    await waiter
    started = time.monotonic()
    waiter = connection.ask(b"GET", Deadline.after(0.03).at)
    with pytest.raises(BackendTimeout):
        await waiter
    assert time.monotonic() - started <= 0.08
    assert paper.aborted
