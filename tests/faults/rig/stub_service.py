"""One copy of a stub service: its socket, its behaviour, its connections, and what it saw."""

import asyncio
import random
import re
import time
from typing import Final, cast

import msgspec

from tests.faults.proxy import send_reset
from tests.faults.rig.behaviour import Behaviour, Count, Seen

WELL: Final = Behaviour(latency=0.005, jitter=0.002)  # a backend in the same building
_LOGGED: Final = 1_000_000  # requests kept; those after are counted only
_PIECE: Final = b"x" * 65536
_TICK: Final = 0.05  # seconds between two pieces of a drip

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TOLD = re.compile(rb"\r\nrequest-timeout: *(\d+)", re.IGNORECASE)
_ONCE = re.compile(rb"\r\nx-once: *(\S+)", re.IGNORECASE)
_TRACE = re.compile(rb"\r\ntraceparent: ", re.IGNORECASE)


class StubCopy:
    """Listens on a port of 127.0.0.1 that it keeps when it goes away and comes back."""

    def __init__(self, service: str, number: int) -> None:
        self.port = 0
        self.well, self.fault = WELL, cast("Behaviour | None", None)
        self.open: set[_Connection] = set()
        self.chance = random.Random(number)
        items = [{"id": str(item), "title": f"{service} {item}", "text": "lorem ipsum " * 4} for item in range(10)]
        self.body = msgspec.json.encode({"service": service, "copy": number, "items": items})
        self._server: asyncio.Server | None = None
        self._owed = 0.0
        self.reset()

    def reset(self) -> None:
        """Count and log anew. Requests in flight end in what was counted before."""
        self.fault, self.well, self._owed = None, WELL, 0.0
        self.count = Count(connections=len(self.open))
        self.log: list[Seen] = []
        self.once: set[bytes] = set()

    async def listen(self) -> None:
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=4096)
            self.port = self._server.sockets[0].getsockname()[1]

    async def leave(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self.open):
            connection.reset()

    def next_behaviour(self, head: bytes) -> Behaviour:
        """The fault for its share of the requests that it is meant for, evenly spread; else the good one."""
        if self.fault is None or (self.fault.path and f" {self.fault.path} ".encode() not in head):
            return self.well
        self._owed += self.fault.share
        if self._owed < 1:
            return self.well
        self._owed -= 1
        return self.fault


class _Connection(asyncio.Protocol):
    """One peer; one request at a time, others wait in the buffer."""

    def __init__(self, copy: StubCopy) -> None:
        self._copy = copy
        self._count = copy.count  # the count in which the request in hand is counted
        self._buffer = b""
        self._seen: Seen | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._left = b""  # of a body that is dripped
        self._pouring = 0
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._copy.open.add(self)
        self._copy.count.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._copy.open.discard(self)
        self._copy.count.connections -= 1
        self._settle("cut")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._seen is None and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._begin(head)

    def _begin(self, head: bytes) -> None:
        copy = self._copy
        self._count = count = copy.count
        told = _TOLD.search(head)
        self._seen = seen = Seen(time.monotonic(), told=int(told[1]) if told else 0)
        if len(copy.log) < _LOGGED:
            copy.log.append(seen)
        count.requests += 1
        count.in_flight += 1
        count.max_in_flight = max(count.max_in_flight, count.in_flight)
        count.traced += _TRACE.search(head) is not None
        if once := _ONCE.search(head):
            count.sent_twice += once[1] in copy.once
            copy.once.add(once[1])
        behaviour = copy.next_behaviour(head)
        wait = behaviour.latency + behaviour.jitter * copy.chance.uniform(-1, 1)
        if wait > 0:
            self._timer = self._loop.call_later(wait, self._act, behaviour)
        else:
            self._act(behaviour)

    def _act(self, how: Behaviour) -> None:
        if how.kind == "hang":
            return
        if how.kind == "reset":
            self.reset()
            return
        body = self._copy.body if how.body is None else how.body.encode()
        head = self._head(how, how.size if how.kind == "pour" else len(body))
        match how.kind:
            case "reset_midway" | "truncate":
                self._transport.write(head + body[: len(body) // 2])
                self._settle("broken")
                if how.kind == "truncate":
                    self._transport.close()
                else:
                    self._timer = self._loop.call_later(0.01, self.reset)  # else RST would overtake what was written
            case "drip":
                self._transport.write(head)
                self._left = body
                self._drip(how)
            case "pour":
                self._transport.write(head)
                self._pouring = how.size
                self.resume_writing()
            case _:
                self._transport.write(head + body)
                self._settle("answered")
                if self._buffer:
                    self.data_received(b"")

    def _head(self, how: Behaviour, length: int) -> bytes:
        more = "".join(f"{name}: {value}\r\n" for name, value in how.headers.items())
        kind = "" if "content-type" in how.headers else "content-type: application/json\r\n"
        return f"HTTP/1.1 {how.status} Rig\r\n{kind}content-length: {length}\r\n{more}\r\n".encode()

    def _drip(self, how: Behaviour) -> None:
        size = max(1, int(how.rate * _TICK))
        self._transport.write(self._left[:size])
        self._left = self._left[size:]
        if self._left:
            self._timer = self._loop.call_later(size / how.rate, self._drip, how)
        else:
            self._settle("answered")

    def resume_writing(self) -> None:
        while self._pouring > 0 and not self._transport.is_closing():
            if self._transport.get_write_buffer_size() > len(_PIECE):
                return
            self._transport.write(_PIECE[: self._pouring])
            self._pouring -= len(_PIECE)
        if self._seen is not None and self._pouring <= 0:
            self._settle("answered")

    def reset(self) -> None:
        self._settle("broken")
        if not self._transport.is_closing():
            send_reset(self._transport)

    def _settle(self, how: str) -> None:
        """The request in hand is over, once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        seen, self._seen = self._seen, None
        if seen is None:
            return
        seen.ended, seen.how = time.monotonic(), how  # type: ignore[assignment]  # one of the three words
        self._count.in_flight -= 1
        self._count.answered += how == "answered"
        self._count.cut += how == "cut"
