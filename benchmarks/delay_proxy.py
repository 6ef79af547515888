"""A TCP proxy that makes loopback as far away as a phone: every byte arrives `one_way` seconds late, in order.

Delay only: no loss, no slow start, no bandwidth limit, and opening a connection costs nothing. So what is measured
through it is the least that a real link of this round trip would take.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def delayed(host: str, port: int, one_way: float) -> AsyncIterator[int]:
    """The local port behind which `host:port` is that far away."""
    running: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio reports a cancelled one of its own as an error.
        task = asyncio.create_task(_join(reader, writer, host, port, one_way))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, one_way: float) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection(host, port)
    except OSError:
        writer.close()
        return
    async with asyncio.TaskGroup() as ways:
        ways.create_task(_carry(reader, far_writer, one_way))
        ways.create_task(_carry(far_reader, writer, one_way))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one_way: float) -> None:
    """Bytes one way, each chunk written `one_way` after it was read; chunks travel at the same time, not in turn."""
    loop = asyncio.get_running_loop()
    travelling: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due, chunk = await travelling.get()
            await asyncio.sleep(due - loop.time())
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()

    arriving = asyncio.create_task(arrive())
    try:
        chunk = b"-"
        while chunk:
            chunk = await reader.read(65536)
            travelling.put_nowait((loop.time() + one_way, chunk))
        await arriving
    except OSError:  # one side has gone: so has the connection
        return
    finally:
        arriving.cancel()
        writer.close()
