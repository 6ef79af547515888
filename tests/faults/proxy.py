"""A TCP proxy that spoils what passes: Toxiproxy's toxics (latency, jitter, bandwidth, slow close, reset, slicer, limit,
timeout, down) in asyncio, each direction by itself."""

import asyncio
import os
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Toxics:
    """What is done to the bytes of one direction. Times are seconds; None is off."""

    latency: float = 0.0
    jitter: float = 0.0  # up to so much more or less, by chance
    bandwidth: int | None = None  # bytes a second
    slice: int | None = None  # pass on in pieces of so many bytes, each a segment of its own
    truncate: int | None = None  # after so many bytes of a connection, FIN both ways
    reset: int | None = None  # after so many bytes of a connection, RST both ways
    slow_close: float = 0.0  # wait so long before passing a close on
    blackhole: bool = False  # swallow everything, and never pass a close on


class FaultProxy:
    """Listens on a free port of 127.0.0.1 and passes to `host:port`.

    `up` spoils what the client sends, `down` what the backend answers; both may be set at any time and hold for bytes
    that arrive from then on. `stop_listening` refuses new connections and leaves the open ones.
    """

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self._target = (host, port)
        self._chance = random.Random(seed)
        self.up = self.down = Toxics()
        self.port = 0
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> "FaultProxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_listening()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer.transport]
        try:
            with suppress(OSError):  # either side may be gone at any moment: that is passed on as a close
                back_reader, back_writer = await asyncio.open_connection(*self._target)
                ends.append(back_writer.transport)
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(self._pump("up", reader, back_writer, writer))
                    pumps.create_task(self._pump("down", back_reader, writer, back_writer))
        finally:
            for end in ends:
                end.abort()

    async def _pump(
        self, way: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        passed = 0
        with suppress(ConnectionError):
            while data := await source.read(65536):
                toxics: Toxics = getattr(self, way)
                if toxics.blackhole:
                    continue
                if toxics.latency or toxics.jitter:
                    await asyncio.sleep(max(0.0, toxics.latency + toxics.jitter * self._chance.uniform(-1, 1)))
                limits = [limit for limit in (toxics.truncate, toxics.reset) if limit is not None]
                room = max(0, min(limits) - passed) if limits else len(data)
                await _write(sink, data[:room], toxics)
                passed += len(data)
                if limits and passed >= min(limits):
                    for end in (sink, back):
                        send_reset(end.transport) if toxics.reset is not None else end.close()
                    return
            if not getattr(self, way).blackhole:
                await asyncio.sleep(getattr(self, way).slow_close)
                if not sink.transport.is_closing():
                    sink.write_eof()
                return
        await asyncio.get_running_loop().create_future()  # blackhole: keep the other side open


async def _write(sink: asyncio.StreamWriter, data: bytes, toxics: Toxics) -> None:
    size = toxics.slice or max(1, len(data))
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        sink.write(piece)
        await sink.drain()
        await asyncio.sleep(len(piece) / toxics.bandwidth if toxics.bandwidth else 0)


def send_reset(transport: asyncio.WriteTransport) -> None:
    """Send RST: closing with a linger time of zero does."""
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
