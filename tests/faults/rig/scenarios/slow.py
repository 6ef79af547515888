"""Clients that take their time: F46, F47."""

import asyncio
import socket
import time
from contextlib import AsyncExitStack, suppress

from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.gateway import Gateway
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import BOARD, Rig
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario

PICTURE = 512 * 1024  # bytes of an answer that a slow client fetches by a plain route
PER_SECOND = 1024  # bytes that it reads
_TICK = 1.0
_SMALL_BUFFER = 8 * 1024  # of a client's socket, so that what it does not read stays with the gateway
# As on a network: by the loopback's 64 KB the gateway's kernel would take megabytes at once.
_SEGMENT = 1400
# A search answers 200 for guests on a plain route of this rig.
ROUTES = {"routes": {"picture": {"path": "/picture", "service": "search", "to": "/search", "guests": True}}}


@scenario(
    "F46",
    fault="500 clients read their answers at 1 KB a second",
    answer="what an answer may hold is bounded, and who reads too slowly is cut off; nobody else waits for it",
    limits=(
        most("memory for each slow client", 64, "KB"),
        latency("p99 of the others, times the healthy one", 1.1, "x"),
        least("the others answered 200", 100, "%"),
    ),
    without=(Without("the bound", code="answers are sent whole"),),
)
async def f46(rig: Rig) -> Figures:
    clients = 500
    await rig.backends.well("search", Behaviour(body='{"x": "' + "y" * PICTURE + '"}'))
    # Two gateways under the same load, one with slow clients, so that what else the machine does is done to both.
    async with (
        rig.gateway(more=ROUTES) as gateway,
        rig.gateway(more=ROUTES) as healthy,
        offered(gateway.port, BOARD) as load,
        offered(healthy.port, BOARD) as control,
    ):
        await asyncio.sleep(2)
        for _ in range(20):
            await gateway.ask("/picture")  # buffers that any answer of this size needs once
        before = gateway.memory()
        async with AsyncExitStack() as stack:
            for _ in range(clients):
                await stack.enter_async_context(_SlowReader(gateway))
            await asyncio.sleep(1)
            start = time.monotonic()
            held = before
            for _ in range(int(rig.seconds(10, 4))):
                await asyncio.sleep(1)
                held = max(held, gateway.memory())
            end = time.monotonic()
    others, well = load.samples.between(start, end), control.samples.between(start, end)
    return {
        "memory for each slow client": (held - before) / clients / 1024,
        "p99 of the others, times the healthy one": others.p(0.99) / well.p(0.99),
        "the others answered 200": 100 * others.share(lambda sample: sample.status == 200),
    }


class _SlowReader:
    """Asks for the picture and reads a little of it every second."""

    def __init__(self, gateway: Gateway) -> None:
        self._port = gateway.port
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "_SlowReader":
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        await loop.sock_sendall(self._socket, b"GET /picture HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert b" 200 " in await loop.sock_recv(self._socket, PER_SECOND)  # one after another: a burst is another fault
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._socket.close()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # being cut off is what a slow reader may expect
            while await loop.sock_recv(self._socket, PER_SECOND):  # noqa: ASYNC110 - reading slowly is the fault
                await asyncio.sleep(_TICK)


@scenario(
    "F47",
    fault="2,000 clients send a byte of their headers a second (slowloris)",
    answer="a head that is not whole after 5 s ends its connection",
    limits=(
        most("closed after", 6, "s"),
        least("closed", 100, "%"),
        least("the others answered 200", 100, "%"),
    ),
    without=(Without("the header timer", code="headers have all the time"),),
)
async def f47(rig: Rig) -> Figures:
    count = rig.calls(2_000, 300)
    async with rig.gateway() as gateway, offered(gateway.port, BOARD) as load:
        await asyncio.sleep(2)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_drip(gateway.port)) for _ in range(count)]
            start = time.monotonic()
        end = time.monotonic()
    lived = [task.result() for task in tasks]
    others = load.samples.between(start, end)
    return {
        "closed after": max(lived),
        "closed": 100 * sum(seconds < _PATIENCE for seconds in lived) / count,
        "the others answered 200": 100 * others.share(lambda sample: sample.status == 200),
    }


_PATIENCE = 12.0  # twice what it may take: a socket that is open still was not closed


async def _drip(port: int) -> float:
    """Seconds that the gateway kept a connection whose head comes a byte a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /rig/v1/board HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ")
    began = time.monotonic()
    reading = asyncio.create_task(reader.read())
    try:
        while not reading.done() and time.monotonic() - began < _PATIENCE:
            writer.write(b"a")
            await asyncio.wait([reading], timeout=_TICK)
        return time.monotonic() - began
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        writer.transport.abort()
