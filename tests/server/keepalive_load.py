"""Clients that keep their connections, some always busy, some resting between requests, and count what fails.

They behave as a good client does: a connection that was closed while it rested, or whose last answer said
`Connection: close`, is replaced before the next request. Anything else that goes wrong is a failed request.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# Rests end well before the server's own 5 s: a client that reuses a connection as late as it is kept races with any
# server, and on a starved machine the two see the same rest begin half a second apart (measured).
SHORTEST_REST = 0.05
LONGEST_REST = 4.0

REQUEST_TIMEOUT = 20.0

# This many reuses show that the load is what it should be.
WARM = 32


@dataclass
class Tally:
    """What the clients saw. A connection counts as reused when it rested and then carried a request."""

    answered: int = 0
    reused: int = 0
    closed_at_rest: list[float] = field(default_factory=list)  # after so many seconds of rest
    told_to_close: int = 0
    only_kept: bool = False  # set it when the balancer would send no new connection: clients use up what they have
    failed: list[str] = field(default_factory=list)
    warm: asyncio.Event = field(default_factory=asyncio.Event)  # set once connections have rested and been used again


class Client:
    """One connection at a time."""

    def __init__(self, host: str, port: int, tally: Tally, rests: bool, seed: int, paths: tuple[str, str]) -> None:
        self._often, self._seldom = paths
        self._host, self._port, self._tally, self._rests = host, port, tally, rests
        self._random = random.Random(seed)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, over: asyncio.Event) -> None:
        while not over.is_set():
            before = time.monotonic()
            rested = await self._rest(over)
            rest = time.monotonic() - before
            if over.is_set() or (self._tally.only_kept and self._streams is None):
                break
            try:
                async with asyncio.timeout(REQUEST_TIMEOUT):
                    await self._ask(rested)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self._tally.failed.append(f"after {rest:.3f} s of rest: {error!r}" if rested else f"busy: {error!r}")
                self._drop()
        self._drop()

    async def _rest(self, over: asyncio.Event) -> bool:
        """Rest, if this client does; whether there is still a connection afterwards."""
        if not self._rests or self._streams is None:
            return False
        began = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._random.uniform(SHORTEST_REST, LONGEST_REST)):
                await over.wait()
        if self._streams[0].at_eof():
            self._tally.closed_at_rest.append(time.monotonic() - began)
            self._drop()
        return self._streams is not None

    async def _ask(self, rested: bool) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        path = self._seldom if self._random.random() < 0.2 else self._often
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        if not lines[0].startswith(b"http/1.1 200"):
            raise ValueError(lines[0])
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        self._tally.answered += 1
        self._tally.reused += rested
        if self._tally.reused >= WARM:
            self._tally.warm.set()
        if b"connection: close" in lines:
            self._tally.told_to_close += 1
            self._drop()

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@asynccontextmanager
async def keepalive_load(
    url: str, busy: int, resting: int, paths: tuple[str, str] = ("/", "/slow/0.01")
) -> AsyncIterator[Tally]:
    """Load the server inside the block, with the first path and one time in five with the second."""
    address, tally, over = urlsplit(url), Tally(), asyncio.Event()
    assert address.hostname is not None
    assert address.port is not None
    async with asyncio.TaskGroup() as group:
        for number in range(busy + resting):
            client = Client(address.hostname, address.port, tally, number >= busy, number, paths)
            group.create_task(client.run(over))
        try:
            yield tally
        finally:
            over.set()
