"""W5's backends: W1's answers, each after its delay. nginx has no delay of its own, and 250 calls a second are few."""

import asyncio
from functools import partial
from typing import cast

import uvloop

from benchmarks.payloads import files
from benchmarks.places import DELAYS, STUBS


class SlowAnswer(asyncio.Protocol):
    """Answers every request on a kept connection after `delay`; trusts its clients to send bare GETs."""

    def __init__(self, answers: dict[bytes, bytes], delay: float) -> None:
        self._answers = answers
        self._delay = delay
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class does not inherit from it

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].partition(b"?")[0]
            asyncio.get_running_loop().call_later(self._delay, self._answer, path)

    def _answer(self, path: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        body = self._answers.get(path)
        status = b"404 Not Found" if body is None else b"200 OK"
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % (status, len(body or b"")) + (body or b""))


async def main() -> None:
    loop = asyncio.get_running_loop()
    everything = files()
    servers = []
    for service, delay in DELAYS.items():
        answers = {path.encode(): body for path, body in everything[service].items()}
        servers.append(await loop.create_server(partial(SlowAnswer, answers, delay), "127.0.0.1", STUBS[service]))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(main())
