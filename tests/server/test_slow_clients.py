"""Clients that take their time: what they hold is bounded, and nobody else waits for them (F46, F47).

The app is tests/server/slow_app.py, whose answers go through the gateway's own `write`.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from bff.faces.answer import Answer
from bff.gateway.body import ClientGone
from bff.gateway.request import Request
from bff.gateway.slow_reader import PART, Body, in_parts
from bff.gateway.write import write
from bff.server.door import Door
from bff.server.listener import HEADER_TIMEOUT, Listener
from bff.server.shutter import shut
from bff.server.sockets import UNTAKEN_MS, open_listener
from tests.server.running_server import PATIENCE, Running, options, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's options and /proc are Linux's")

# What no kernel holds of one connection (net.ipv4.tcp_wmem has 4 MB), so that a part must wait.
LONG = 16 * 1024 * 1024
GET = b"GET /bytes/%d HTTP/1.1\r\nHost: x\r\n\r\n"


class Writer:
    """An app that answers with LONG bytes in parts, each within a second, and notes how it ended."""

    def __init__(self, within: float) -> None:
        self._within = within
        self.ended: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, 0.0)
        head = [(b"content-length", str(LONG).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        try:
            await in_parts(request, Body(b"x" * LONG), send, self._within)
        except ClientGone:
            self.ended.put_nowait(request.refused or "")
        else:
            self.ended.put_nowait("taken")


@asynccontextmanager
async def listening(app: Writer, untaken: int = UNTAKEN_MS) -> AsyncIterator[int]:
    opened = open_listener("127.0.0.1", 0)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, untaken)
    port = int(opened.getsockname()[1])
    listener = Listener(Door(app), opened, 1024)
    serving_ = asyncio.create_task(listener.serve())
    try:
        yield port
    finally:
        listener.stop()
        await serving_


def client(port: int) -> socket.socket:
    """One that takes 2 KB and no more, over a link with packets of the usual size."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


async def gone(port: int, within: float) -> float:
    """Seconds until the server has no connection on `port` any more, in whatever state."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while _connections(port):  # noqa: ASYNC110 - the kernel has no way to tell
            await asyncio.sleep(0.05)
    return time.monotonic() - began


def _connections(port: int) -> int:
    """Those of the server's side: its own port is the local one."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = "0A"
    return sum(1 for row in rows if int(row[1].rpartition(":")[2], 16) == port and row[3] != listening)


async def test_a_client_that_takes_no_part_in_time_is_given_up_and_its_connection_closed() -> None:
    app = Writer(within=1.0)
    async with listening(app) as port:
        with client(port) as slow:
            await asyncio.get_running_loop().sock_sendall(slow, GET % LONG)
            async with asyncio.timeout(PATIENCE):
                assert await app.ended.get() == "reads too slowly"
            assert await gone(port, 10.0) < 4.0


async def test_a_client_that_reads_gets_a_long_answer_whole() -> None:
    app = Writer(within=30.0)
    async with listening(app) as port, httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
        answer = await http.get(f"http://127.0.0.1:{port}/")
        assert answer.content == b"x" * LONG
        assert await app.ended.get() == "taken"


@pytest.mark.slow
async def test_what_a_client_that_has_stopped_reading_has_not_taken_is_not_kept_by_the_kernel() -> None:
    """Its answer is short, so that nobody here waits; after 5 s at rest we close, and then only the kernel has it."""

    async def short(scope: Scope, receive: Receive, send: Send) -> None:
        await write(Request(scope, receive, 0.0), Answer(200, b"x" * 64_000), send, closing=False)

    async with listening(short, untaken=7_000) as port:  # type: ignore[arg-type]
        with client(port) as slow:
            await asyncio.get_running_loop().sock_sendall(slow, GET % 64_000)
            await asyncio.sleep(HEADER_TIMEOUT + 0.5)
            assert _connections(port) == 1, "it is the kernel's by now"
            await gone(port, 10.0)


def test_a_listener_gives_its_connections_the_limit_of_what_is_untaken() -> None:
    with open_listener("127.0.0.1", 0) as opened, socket.create_connection(opened.getsockname()[:2]):
        accepted, _ = opened.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNTAKEN_MS


def test_only_the_connection_with_that_client_is_shut() -> None:
    with open_listener("127.0.0.1", 0) as opened:
        here = opened.getsockname()[:2]
        with socket.create_connection(here) as one, socket.create_connection(here) as other:
            accepted = [opened.accept()[0], opened.accept()[0]]
            assert shut([one.getsockname()[:2]]) == 1
            assert one.recv(1) == b""
            accepted[1].sendall(b"a")
            assert other.recv(1) == b"a"
            for each in accepted:
                each.close()
    assert shut([("192.0.2.1", 9)]) == 0


# --- F46 and F47, over a whole server ----------------------------------------------------------------------------------


@pytest.mark.slow
async def test_f47_2000_sockets_that_never_finish_their_headers_are_closed_within_6_s_and_nobody_else_notices() -> None:
    _descriptors(5_000)
    async with serving(options("tests.server.slow_app:make")) as server:
        port = urlsplit(server.public).port or 0
        asking = asyncio.create_task(_ask_for(server, 8.0))
        ages = await asyncio.gather(*(_slowloris(port, number) for number in range(2_000)))
        took = await asking
        print(f"F47: closed after {min(ages):.2f} to {max(ages):.2f} s; {len(took)} normal requests, all 200")  # noqa: T201 - figures for `-s`
        assert max(ages) <= 6.0
        assert len(took) > 100


async def _slowloris(port: int, number: int) -> float:
    """Seconds until the server closes a connection that drips a header: a byte every half second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()

    async def drip() -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nA: ")
        while True:
            writer.write(b"a")
            await asyncio.sleep(0.5)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                await reader.read()
        return time.monotonic() - began
    finally:
        dripping.cancel()
        writer.close()


@pytest.mark.slow
@pytest.mark.parametrize("size", [20_000, 60_000, 512 * 1024])
async def test_f46_500_clients_that_read_1_kb_a_second_cost_at_most_64_kb_each(size: int) -> None:
    """Screens are of the first sizes; of the last, most are given up.

    The others' times go to the report: this machine has other things to do.
    """
    async with serving(options("tests.server.slow_app:make")) as server:
        port = urlsplit(server.public).port or 0
        await _ask_for(server, 1.0)
        before, alone = await _rss(server), await _ask_for(server, 3.0)
        slow = [client(port) for _ in range(500)]
        for each in slow:
            await asyncio.get_running_loop().sock_sendall(each, GET % size)
        reading = asyncio.create_task(_read_slowly(slow))
        # before connections at rest are closed, or after slow readers are
        beside = await _ask_for(server, 3.0 if size < PART else 5.0)
        grown = (await _rss(server) - before) / len(slow)
        reading.cancel()
        for each in slow:
            each.close()
        print(f"F46, {size} bytes: {grown / 1024:.0f} KB each; p99 {_p99(alone):.1f} -> {_p99(beside):.1f} ms")  # noqa: T201 - figures for `-s`
        assert grown <= 64 * 1024
        assert len(beside) > 100


async def _read_slowly(clients: Sequence[socket.socket]) -> None:
    while True:
        for each in clients:
            with suppress(BlockingIOError):
                each.recv(1024)
        await asyncio.sleep(1.0)


async def _ask_for(server: Running, seconds: float) -> list[float]:
    """Milliseconds of each normal request, one after the other; all must be answered."""
    took: list[float] = []
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
        end = time.monotonic() + seconds
        while (began := time.monotonic()) < end:
            assert (await http.get(f"{server.public}/bytes/2000")).status_code == 200
            took.append((time.monotonic() - began) * 1000)
    return took


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


async def _rss(server: Running) -> int:
    """Of the worker."""
    stats = (await server.get(server.admin + "/stats")).json()
    return int(stats["workers"][0]["rss"])


def _descriptors(wanted: int) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine gives {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    assert os.sysconf("SC_OPEN_MAX") >= wanted
