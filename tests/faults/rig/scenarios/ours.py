"""Faults of our own side: F48, F49."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import IO

from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.calls import many, parts
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import RATE, Rig
from tests.faults.rig.samples import Stream
from tests.faults.rig.scenario import Figures, Without, latency, most, scenario

BLOCKED = 0.5
FOURTH = Stream("board", "/rig/v1/board", RATE / 4)  # there are four gateways


@scenario(
    "F48",
    fault="our event loop is blocked for 500 ms, again and again",
    answer="what arrived meanwhile is read before anything is cut, and a timeout that rang late is nobody's fault",
    limits=(most("breakers opened", 0), most("calls counted as bad", 0)),
    without=(Without("the look before a late timeout", code="late timeouts count"),),
)
async def f48(rig: Rig) -> Figures:
    """Calls whose answers come while the loop is blocked, and whose time is up before it goes on."""
    await rig.backends.well("picks", Behaviour(latency=0.1, jitter=0.05))
    settings = {"instances": rig.backends.urls("picks")[:1], "retry": {"attempts": 1}}
    async with rig.service(settings) as service:
        for _ in range(rig.calls(10, 4)):
            calls = asyncio.create_task(many(parts(service), 25, at_once=25))
            await asyncio.sleep(0.03)  # they are sent, and none is answered yet
            await _block()
            await calls
            await asyncio.sleep(0.45)  # alarms of idle connections are set anew after a call's time, and then are exact
        return {"breakers opened": service.stats.breaker_opened, "calls counted as bad": service.stats.bad}


async def _block() -> None:
    """Hold the loop up from where it reads: after that uvloop rings before it reads again, which is the worse order."""
    loop, (here, there) = asyncio.get_running_loop(), socket.socketpair()
    blocked = loop.create_future()

    def hold() -> None:
        loop.remove_reader(here)
        time.sleep(BLOCKED)
        blocked.set_result(None)

    with here, there:
        loop.add_reader(here, hold)
        there.send(b"x")
        await blocked


@contextmanager
def _unread() -> Iterator[IO[bytes]]:
    """A pipe whose buffer is full and that nobody reads: a log collector that hangs."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writing, True)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        yield pipe
    os.close(reading)


@contextmanager
def _full_disk() -> Iterator[IO[bytes]]:
    with open("/dev/full", "wb", buffering=0) as disk:
        yield disk


@asynccontextmanager
async def _hung_collector() -> AsyncIterator[str]:
    """A trace collector that accepts and never answers."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        await asyncio.sleep(0)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/traces"


@scenario(
    "F49",
    fault="the log's reader hangs, its disk is full, the trace collector hangs",
    answer="lines and spans are dropped and counted; no request waits",
    limits=(
        latency("added to the p99 by a hung log", 1, "ms"),
        latency("added to the p99 by a full disk", 1, "ms"),
        latency("added to the p99 by a hung collector", 1, "ms"),
        most("requests not answered 200", 0),
    ),
    without=(Without("the writer that never waits", code="the log waits"),),
)
async def f49(rig: Rig) -> Figures:
    """Four gateways at once under the same load, so that what else the machine does is done to all of them."""
    async with AsyncExitStack() as stack:
        pipe = stack.enter_context(_unread())
        disk = stack.enter_context(_full_disk())
        collector = await stack.enter_async_context(_hung_collector())
        traces: dict[str, object] = {"endpoint": collector, "ratio": 1.0}
        gateways = [
            await stack.enter_async_context(rig.gateway()),
            await stack.enter_async_context(rig.gateway(out=pipe)),
            await stack.enter_async_context(rig.gateway(out=disk)),
            await stack.enter_async_context(rig.gateway(more={"traces": traces})),
        ]
        async with AsyncExitStack() as loading:
            loads = [await loading.enter_async_context(offered(gateway.port, FOURTH)) for gateway in gateways]
            await asyncio.sleep(2)
            start, end = await rig.steady(rig.seconds(7, 3))
        found = [load.samples.between(start, end) for load in loads]
    well, hung, full, traced = (1000 * samples.p(0.99) for samples in found)
    return {
        "added to the p99 by a hung log": hung - well,
        "added to the p99 by a full disk": full - well,
        "added to the p99 by a hung collector": traced - well,
        "requests not answered 200": sum(len(samples.where(lambda sample: sample.status != 200)) for samples in found),
    }
