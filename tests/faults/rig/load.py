"""Open-loop load: every request is sent when it is due, whatever became of those before it, and is timed from then on.

    python -m tests.faults.rig.load < spec

A process of its own: reads a `Spec` as one line of JSON, sends until its standard input ends, and writes its samples as
JSON. Waiting for answers before asking again (a closed loop) would hide the very waits that a fault makes.
"""

import asyncio
import sys
import time
from itertools import cycle
from typing import Final, cast

import msgspec
import uvloop

from tests.faults.rig.samples import LEFT, LOST, Sample, Spec, Stream

_MOST_CONNECTIONS: Final = 4000  # a gateway that answers nothing must not cost the machine its sockets
_GIVE_UP: Final = 15.0  # seconds; far above every budget: later than this is lost


class Generator:
    """The connections to one gateway, and what became of each request."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._idle: list[_Connection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._rested = asyncio.Event()  # nothing is under way; each request ends within _GIVE_UP
        self._rested.set()
        self.open = 0
        self.samples: list[Sample] = []
        self._asks = [
            f"GET {stream.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"{''.join(f'{name}: {value}{chr(13)}{chr(10)}' for name, value in stream.headers.items())}\r\n".encode()
            for stream in spec.streams
        ]
        self._values = [cycle([value.encode() for value in stream.values]) for stream in spec.streams]

    async def run(self, until: asyncio.Future[object]) -> None:
        """Send until told to stop, then wait for what is under way."""
        pacers = [asyncio.create_task(self._pace(number, stream)) for number, stream in enumerate(self._spec.streams)]
        await until
        for pacer in pacers:
            pacer.cancel()
        await asyncio.wait(pacers)
        await self._rested.wait()

    async def _pace(self, number: int, stream: Stream) -> None:
        gap, due = stream.every / stream.rate, time.monotonic()
        while True:
            due += gap
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            for _ in range(stream.every):
                self._send(number, due)

    def _send(self, number: int, due: float) -> None:
        while self._idle:
            connection = self._idle.pop()
            self._rested.clear()
            if not connection.closing:
                connection.ask(number, due, self._ask(number), self._spec.streams[number].leave_after)
                return
        if self.open >= _MOST_CONNECTIONS:
            self.samples.append(Sample(number, due, 0.0, LOST))
            return
        self._rested.clear()
        self.open += 1
        task = asyncio.get_running_loop().create_task(self._open(number, due))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, number: int, due: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._spec.port)
        except OSError:
            self.samples.append(Sample(number, due, time.monotonic() - due, LOST))
            self._gone()
            return
        connection.ask(number, due, self._ask(number), self._spec.streams[number].leave_after)

    def _ask(self, number: int) -> bytes:
        ask = self._asks[number]
        return ask.replace(b"{value}", next(self._values[number])) if self._spec.streams[number].values else ask

    def rested(self, connection: "_Connection") -> None:
        self._idle.append(connection)
        self._look()

    def lost(self, connection: "_Connection") -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        self._gone()

    def _gone(self) -> None:
        self.open -= 1
        self._look()

    def _look(self) -> None:
        if self.open == len(self._idle):
            self._rested.set()


class _Connection(asyncio.Protocol):
    """One exchange at a time; the answer's head, its length and whether it says that it is complete."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._buffer = b""
        self._number = -1  # of the stream whose request is in hand; -1: none
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def closing(self) -> bool:
        return self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, number: int, due: float, request: bytes, leave_after: float) -> None:
        self._number, self._due, self._buffer = number, due, b""
        self._transport.write(request)
        self._timer = self._loop.call_later(leave_after or _GIVE_UP, self._leave, LEFT if leave_after else LOST)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        place = head.find(b"\r\ncontent-length:")
        length = int(head[place + 17 :].partition(b"\r\n")[0]) if place >= 0 else 0
        if len(self._buffer) - end - 4 < length:
            return
        self._done(int(head[9:12]), b'"complete":true' in self._buffer)
        if b"\r\nconnection: close" in head:
            self._transport.close()
        else:
            self._generator.rested(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._done(LOST)
        self._generator.lost(self)

    def _leave(self, status: int) -> None:
        self._done(status)
        self._transport.abort()

    def _done(self, status: int, complete: bool = False) -> None:
        number, self._number = self._number, -1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if number >= 0:
            self._generator.samples.append(Sample(number, self._due, time.monotonic() - self._due, status, complete))


async def main() -> None:
    spec = msgspec.json.decode(sys.stdin.readline(), type=Spec)
    generator = Generator(spec)
    loop = asyncio.get_running_loop()
    await generator.run(loop.run_in_executor(None, sys.stdin.read))
    sys.stdout.buffer.write(msgspec.json.encode(generator.samples))


if __name__ == "__main__":
    uvloop.run(main())
