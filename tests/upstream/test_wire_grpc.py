"""The gRPC wire against a real grpc.aio server: every way a call can end, and what the server sees of it."""

import asyncio
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import grpc
import grpc.aio
import pytest
import uvloop

from bff.deadline import LOOP_CLOCK, Clock, Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendInvalid, BackendTimeout, BackendUnreachable
from bff.testing import ManualClock
from bff.upstream.call import Call, Headers, Trace
from bff.upstream.pool import WireLimits
from bff.upstream.stats import InstanceStats
from bff.upstream.wire_grpc import HTTP_STATUS, GrpcWire
from tests.upstream.one_wire import SPAN, OneWire

Context = grpc.aio.ServicerContext[bytes, bytes]
Behaviour = Callable[[bytes, Context], Awaitable[bytes]]


@dataclass
class Echo:
    """A server whose method behaves as it is told, and that tells when a call began and how it was cut."""

    behaviour: Behaviour
    port: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    metadata: dict[str, str | bytes] = field(default_factory=dict)
    left: float | None = None

    async def say(self, request: bytes, context: Context) -> bytes:
        self.metadata = dict(context.invocation_metadata() or ())
        self.left = context.time_remaining()
        self.began.set()
        try:
            return await self.behaviour(request, context)
        except asyncio.CancelledError:
            self.cut.set()
            raise

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Echo"]:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self.say)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("echo.v1.Echo", {"Say": handler})])
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()
        try:
            yield self
        finally:
            await server.stop(None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def wire_to(echo: Echo, clock: Clock = LOOP_CLOCK) -> AsyncIterator[OneWire]:
    stats = InstanceStats()
    limits = WireLimits(max_body=100_000)
    wire = OneWire(GrpcWire("echo", Endpoint.of(echo.url), stats, limits, clock=clock), stats)
    try:
        yield wire
    finally:
        await wire.close()


def call(body: bytes = b"hi", *, seconds: float = 5.0, headers: Headers = ()) -> Call:
    return Call("echo", "POST", "/echo.v1.Echo/Say", Deadline.after(seconds), headers, body)


async def back(request: bytes, context: Context) -> bytes:
    await context.send_initial_metadata((("x-served-by", "echo"),))
    return request


async def hang(request: bytes, context: Context) -> bytes:
    await asyncio.get_running_loop().create_future()
    return request


async def test_a_call_is_answered() -> None:
    async with Echo(back).serving() as echo, wire_to(echo) as wire:
        reply = await wire.send(call(b"\x00\xff", headers=(("X-Tag", "7"), ("accept", "a"), ("host", "b"))))
        assert (reply.status, reply.body, reply.instance) == (200, b"\x00\xff", f"127.0.0.1:{echo.port}")
        assert reply.header(b"x-served-by") == b"echo"
        assert echo.metadata["x-tag"] == "7"
        assert not {"accept", "host"} & echo.metadata.keys()


@pytest.mark.parametrize("code", HTTP_STATUS)
async def test_a_status_is_its_http_status(code: grpc.StatusCode) -> None:
    async def fail(request: bytes, context: Context) -> bytes:
        await context.abort(code, "no such sé", (("x-why", "because"),))

    async with Echo(fail).serving() as echo, wire_to(echo) as wire:
        reply = await wire.send(call())
    assert (reply.status, reply.body) == (HTTP_STATUS[code], "no such sé".encode())
    assert reply.header(b"grpc-status") == str(code.value[0]).encode()
    assert reply.header(b"x-why") == b"because"


async def test_a_bug_in_the_backend_is_500() -> None:
    async def fail(request: bytes, context: Context) -> bytes:
        raise ValueError("oops")

    async with Echo(fail).serving() as echo, wire_to(echo) as wire:
        assert (await wire.send(call())).status == 500


async def test_the_backend_says_that_it_is_unavailable() -> None:
    async def fail(request: bytes, context: Context) -> bytes:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "later")

    async with Echo(fail).serving() as echo, wire_to(echo) as wire:
        with pytest.raises(BackendUnreachable, match="later"):
            await wire.send(call())


async def test_an_unknown_method_is_501() -> None:
    async with Echo(back).serving() as echo, wire_to(echo) as wire:
        reply = await wire.send(Call("echo", "POST", "/echo.v1.Echo/Shout", Deadline.after(5)))
    assert reply.status == 501


async def test_the_deadline_ends_a_call_and_travels_with_it() -> None:
    async with Echo(hang).serving() as echo, wire_to(echo) as wire:
        with pytest.raises(BackendTimeout):
            await wire.send(call(seconds=0.15))
        assert echo.left is not None
        assert echo.left <= 0.16  # gRPC sends whole units
        async with asyncio.timeout(1):
            await echo.cut.wait()
        echo.began.clear()
        with pytest.raises(BackendTimeout, match="time was up"):
            await wire.send(call(seconds=0))
        assert not echo.began.is_set()


async def test_cancelled_the_call_ends_at_the_server_within_100_ms() -> None:
    async with Echo(hang).serving() as echo, wire_to(echo) as wire:
        for _ in range(5):
            echo.began.clear()
            echo.cut.clear()
            task = asyncio.create_task(wire.send(call()))
            await echo.began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(0.1):
                await echo.cut.wait()
        echo.behaviour = back
        assert (await wire.send(call())).status == 200


async def test_a_cancellation_that_nobody_asked_for_is_the_backends_failure() -> None:
    async with Echo(hang).serving() as echo, wire_to(echo) as wire:
        task = asyncio.create_task(wire.send(call()))
        await echo.began.wait()
        await wire.close()
        with pytest.raises(BackendUnreachable, match="channel was closed") as caught:
            await task
        assert caught.value.ours
        assert not task.cancelled()
        with pytest.raises(BackendUnreachable, match="shutting down"):
            await wire.send(call())


async def test_a_timeout_around_the_call_stays_a_timeout() -> None:
    async with Echo(hang).serving() as echo, wire_to(echo) as wire:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await wire.send(call())


async def test_a_server_that_went_and_came_back_is_found_again() -> None:
    echo = Echo(back)
    async with echo.serving(), wire_to(echo) as wire:
        await wire.send(call())
    async with wire_to(echo) as wire:
        with pytest.raises(BackendUnreachable) as caught:
            await wire.send(call())
        assert not caught.value.sent
        async with echo.serving(), asyncio.timeout(3):
            assert await eventually(wire) == 200
            await wire.send(call())
        with pytest.raises(BackendUnreachable):
            await wire.send(call())
        async with echo.serving(), asyncio.timeout(3):
            assert await eventually(wire) == 200


async def eventually(wire: OneWire) -> int:
    """Ask until there is an answer; the longest pause between two connects is one second."""
    while True:
        try:
            return (await wire.send(call())).status
        except BackendUnreachable:
            await asyncio.to_thread(lambda: None)  # let the channel's own threads run


async def test_a_server_that_stops_under_a_call_is_unreachable() -> None:
    echo = Echo(hang)
    async with echo.serving():
        wire = OneWire(GrpcWire("echo", Endpoint.of(echo.url), InstanceStats()), InstanceStats())
        task = asyncio.create_task(wire.send(call()))
        await echo.began.wait()
    with pytest.raises(BackendUnreachable) as caught:
        await task
    assert caught.value.sent
    await wire.close()


async def test_a_server_that_relays_that_it_met_no_connection_has_had_the_call() -> None:
    async def relays(request: bytes, context: Context) -> bytes:
        told = "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.9:50051: Connection refused"
        await context.abort(grpc.StatusCode.UNAVAILABLE, told)

    async with Echo(relays).serving() as echo, wire_to(echo) as wire:
        with pytest.raises(BackendUnreachable, match="failed to connect") as caught:
            await wire.send(call())
        assert caught.value.sent


async def test_an_address_that_does_not_answer_is_told_soon() -> None:
    with socket.socket() as listener:  # a full backlog: the kernel drops what comes next without a word
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            async with wire_to(Echo(back, port=port)) as wire:
                started = time.monotonic()
                with pytest.raises(BackendUnreachable):
                    await wire.send(call())
                assert time.monotonic() - started < 1.0  # 250 ms and a busy machine; gRPC would take 20 s
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_a_message_over_the_cap_is_invalid_however_small_it_is_packed(compression: grpc.Compression) -> None:
    async def bomb(request: bytes, context: Context) -> bytes:
        context.set_compression(compression)
        return bytes(int(request))

    async with Echo(bomb).serving() as echo, wire_to(echo) as wire:
        assert len((await wire.send(call(b"100000"))).body) == 100_000
        with pytest.raises(BackendInvalid):
            await wire.send(call(b"20000000"))


async def test_a_header_that_cannot_be_sent_is_our_bug() -> None:
    async with Echo(back).serving() as echo, wire_to(echo) as wire:
        with pytest.raises(grpc.aio.InternalError):
            await wire.send(call(headers=(("x-tag", "a\r\nx-other: b"),)))
        assert not echo.began.is_set()


@pytest.mark.slow
async def test_a_storm_of_cut_calls_leaves_nothing_behind() -> None:
    """6,000 calls cut at random moments, half by their deadline and half from outside."""

    async def late(request: bytes, context: Context) -> bytes:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.04):
                await asyncio.get_running_loop().create_future()
        return request

    chance = random.Random(7)
    async with Echo(late).serving() as echo, wire_to(echo) as wire:
        await wire.send(call())
        before = len(os.listdir("/proc/self/fd"))

        async def cut(seconds: float, from_outside: bool) -> None:
            with suppress(TimeoutError, BackendTimeout):
                async with asyncio.timeout(seconds if from_outside else None):
                    await wire.send(call(seconds=5.0 if from_outside else seconds))

        for _ in range(60):
            await asyncio.gather(*(cut(chance.uniform(0, 0.08), chance.random() < 0.5) for _ in range(100)))
        assert [(await wire.send(call(seconds=1.0))).status for _ in range(20)] == [200] * 20
        assert len(os.listdir("/proc/self/fd")) <= before


async def test_a_traced_call_tells_its_attempts_span() -> None:
    async with Echo(back).serving() as echo, wire_to(echo) as wire:
        traced = call()
        traced.trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "01", "a=b")
        await wire.send(traced)
        assert echo.metadata["traceparent"] == f"00-4bf92f3577b34da6a3ce929d0e0e4736-{SPAN}-01"
        assert echo.metadata["tracestate"] == "a=b"
        assert wire.stats.written == 1


async def test_a_channel_past_its_age_is_replaced_and_its_last_call_ends_well() -> None:
    go_on = asyncio.Event()
    peers: list[str] = []

    async def wait(request: bytes, context: Context) -> bytes:
        peers.append(context.peer())
        if request == b"slow":
            await go_on.wait()
        return request

    clock = ManualClock()
    async with Echo(wait).serving() as echo, wire_to(echo, clock) as wire:
        slow = asyncio.create_task(wire.send(call(b"slow")))
        await echo.began.wait()
        await clock.advance(59)
        await wire.send(call())
        await clock.advance(1)
        await wire.send(call())
        assert peers[0] == peers[1] != peers[2]
        go_on.set()
        assert (await slow).body == b"slow"


def test_it_runs_under_uvloop() -> None:
    async def all_of_it() -> None:
        await test_a_call_is_answered()
        await test_the_deadline_ends_a_call_and_travels_with_it()
        await test_cancelled_the_call_ends_at_the_server_within_100_ms()
        await test_a_cancellation_that_nobody_asked_for_is_the_backends_failure()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_it())
