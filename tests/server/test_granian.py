"""What the gateway relies on in Granian, so that an upgrade that changes it is noticed here.

The app is tests/server/app.py; `/hang` reads the request and then waits for `http.disconnect`.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bff.server.listener import HEADER_TIMEOUT
from tests.server.running_server import PATIENCE, Running, Streams, connected, options, serving

# Within this the gateway's watcher must know that nobody waits any more. Measured: 0.3 to 2 ms; the rest is for a busy
# test machine.
DISCONNECT_WITHIN = 0.25


class Notes:
    """The lines that the app writes into a fifo, as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[asyncio.StreamReader]:
        reader = asyncio.StreamReader()
        pipe = os.fdopen(os.open(self.path, os.O_RDWR | os.O_NONBLOCK), "rb", 0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            yield reader
        finally:
            transport.close()


@asynccontextmanager
async def hanging(tmp_path: Path, request: bytes) -> AsyncIterator[tuple[Running, Streams, asyncio.StreamReader]]:
    """A server that has read `request` and waits for its client to go."""
    notes = Notes(tmp_path / "notes")
    async with (
        asyncio.timeout(PATIENCE),
        notes.open() as lines,
        serving(options(grace=0.5), {"TINY_NOTES": str(notes.path)}) as server,
        connected(server) as (reader, writer),
    ):
        writer.write(request)
        assert await lines.readline() == b"waiting\n"
        yield server, (reader, writer), lines


GET = b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /hang HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize("request_bytes", [GET, POST], ids=["get", "post"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_goes_is_seen_at_once(tmp_path: Path, request_bytes: bytes, how: str) -> None:
    async with hanging(tmp_path, request_bytes) as (_, (_, writer), lines):
        gone = time.monotonic()
        if how == "close":
            writer.close()
        else:
            writer.transport.abort()
        kind, at = (await lines.readline()).split()
        assert kind == b"http.disconnect"
        assert float(at) - gone < DISCONNECT_WITHIN


async def test_a_client_that_only_ends_its_sending_side_counts_as_gone(tmp_path: Path) -> None:
    """hyper does not serve half-closed connections: `printf ... | nc -N` gets no answer."""
    async with hanging(tmp_path, GET) as (_, (reader, writer), lines):
        writer.write_eof()
        assert (await lines.readline()).startswith(b"http.disconnect")
        assert await reader.read() == b""


async def test_a_client_that_goes_is_not_seen_while_its_next_request_waits(tmp_path: Path) -> None:
    """Then hyper does not read on, so only the request's own deadline ends it. Few clients pipeline; none of ours."""
    async with hanging(tmp_path, GET + GET) as (_, (_, writer), lines):
        writer.close()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(DISCONNECT_WITHIN):
                await lines.readline()


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with asyncio.timeout(PATIENCE), serving(options()) as server, connected(server) as (reader, writer):
        paths = ["/slow/0.1", "/second", "/third"]
        last = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        writer.write("".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths[:2]).encode())
        writer.write(f"GET {paths[2]}{last}".encode())
        answers = (await reader.read()).decode()
        assert answers.count("HTTP/1.1 200 OK") == 3
        assert answers.index(paths[0]) < answers.index(paths[1]) < answers.index(paths[2])


@pytest.mark.parametrize(("size", "status"), [(15_000, b"200"), (20_000, b"431")])
async def test_a_head_above_16_kb_is_431(size: int, status: bytes) -> None:
    async with asyncio.timeout(PATIENCE), serving(options()) as server, connected(server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * size + b"\r\n\r\n")
        assert (await reader.readline()).split()[1] == status


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTT"], ids=["silent", "rest", "slow"])
async def test_a_connection_is_kept_5_s_and_no_longer(sent: bytes) -> None:
    """The door's waiting rests on this: silent from the start, at rest after an answer, or with half a header."""
    async with asyncio.timeout(PATIENCE), serving(options()) as server:
        began = time.monotonic()
        async with connected(server) as (reader, writer):
            writer.write(sent)
            await reader.read()
        # Never sooner, which is what counts; later only because the test machine is busy.
        assert HEADER_TIMEOUT - 0.1 < time.monotonic() - began < HEADER_TIMEOUT + 3
