"""A scriptable HTTP/1.1 backend on a real socket: it answers by a handler, misbehaves on demand and counts what it saw.

    async with StubService({"/users/7": {"name": "Ada"}}) as users:
        users.fault = Fault("latency", ms=200)
        ...
        await users.wait_for(lambda: users.counters.cancels == 1)

It listens on 127.0.0.1 and a free port unless told otherwise, keeps connections alive, and ends a call's work as
soon as its peer has closed.
"""

import asyncio
import logging
import os
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import cast
from urllib.parse import parse_qs, unquote

import httptools
import orjson

from bff.testing.faults import Fault, play

__all__ = ["Counters", "Fault", "Handler", "StubRecord", "StubReply", "StubRequest", "StubService"]

log = logging.getLogger(__name__)

SEEN = 10_000  # records kept: a long run must not grow without end
BODILESS = frozenset({204, 304})


@dataclass(slots=True)
class StubRequest:
    """A whole request: `path` is decoded and without the query, header names are lower-case, repeats joined by ', '."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    raw_target: str


@dataclass(slots=True)
class StubReply:
    """An answer. Content-Length and Connection are the service's own business; forge them with Fault("raw")."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, value: object, status: int = 200) -> "StubReply":
        return cls(orjson.dumps(value), status)


Handler = Callable[[StubRequest], StubReply | Awaitable[StubReply]]


@dataclass
class Counters:
    """What happened so far. `calls - finished - cancels` are in flight now."""

    calls: int = 0
    finished: int = 0  # ended by the service: answered, or as its fault has it
    cancels: int = 0  # the peer closed before the whole answer was written; counted when the call's work is over
    bytes_in: int = 0
    bytes_out: int = 0
    connections: int = 0
    open_connections: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(slots=True)
class StubRecord:
    """One call as it was seen. Times are `time.monotonic()`; `ended` is None while it is in flight."""

    method: str
    path: str
    target: str
    headers: dict[str, str] = field(repr=False)
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    cancelled: bool = False


class StubService:
    """A backend for tests and demos. `fault` and `faults` (by path, these first) may be set at any time; they hold for
    calls that arrive from then on. A handler that raises answers 500 and its error is logged."""

    def __init__(self, handler: Handler | Mapping[str, object], *, name: str = "stub") -> None:
        self.name = name
        self.handler: Handler = by_path(handler) if isinstance(handler, Mapping) else handler
        self.fault: Fault | None = None
        self.faults: dict[str, Fault] = {}
        self.counters = Counters()
        self.seen: deque[StubRecord] = deque(maxlen=SEEN)
        self.host, self.port = "127.0.0.1", 0
        self._tls: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._listening = False
        self._open: set[_Connection] = set()
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def listening(self) -> bool:
        return self._listening

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None) -> None:
        self.host, self.port, self._tls = host, port, tls
        await self.resume()

    async def resume(self) -> None:
        """Listen (again), on the port it had. Nothing happens if it listens already."""
        if self._listening:
            return
        self._listening = True
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Connection(self), self.host, self.port, ssl=self._tls, backlog=1024
            )
        except OSError:
            self._listening = False
            raise
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop_listening(self) -> None:
        """Go away: refuse new connections and cut the open ones, until `resume`. On return all of it has happened."""
        self._listening = False
        server, self._server = self._server, None
        if server is not None:
            server.close()
        cut = [connection.cut() for connection in self._open]
        if cut:
            await asyncio.wait(cut)
        if server is not None:
            await server.wait_closed()

    async def close(self) -> None:
        await self.stop_listening()

    async def __aenter__(self) -> "StubService":
        if not self._listening:
            await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def wait_for(self, predicate: Callable[[], bool], timeout: float = 5.0) -> None:  # noqa: ASYNC109 (a test's limit, not a budget)
        """Return once `predicate()` holds; it is asked at every change of a counter. TimeoutError if it never does."""
        try:
            async with asyncio.timeout(timeout):
                while not predicate():
                    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiters.append(waiter)
                    await waiter
        except TimeoutError:
            raise TimeoutError(f"{self.name}: not so within {timeout} s; counters: {self.counters}") from None

    def _ask(self, request: StubRequest) -> StubReply | Awaitable[StubReply]:
        try:
            return self.handler(request)
        except Exception:
            log.exception("%s: the handler failed at %s", self.name, request.path)
            return StubReply.json({"error": "the handler failed"}, 500)

    async def _settle(self, reply: Awaitable[StubReply]) -> StubReply:
        try:
            return await reply
        except Exception:
            log.exception("%s: the handler failed", self.name)
            return StubReply.json({"error": "the handler failed"}, 500)

    async def _answer(self, request: StubRequest, fault: Fault | None) -> StubReply:
        """The handler's answer, or the one that `fault` puts in its place."""
        if fault is not None and fault.kind == "status":
            return StubReply(b'{"error": "fault"}', fault.status, headers=fault.reply_headers())
        if fault is not None and fault.kind == "malformed":
            return StubReply(b'{"broken": ')
        reply = self._ask(request)
        return reply if isinstance(reply, StubReply) else await self._settle(reply)

    def reset_counters(self) -> None:
        """Count anew and forget what was seen. Calls in flight end uncounted; open connections stay counted."""
        self.counters = Counters(open_connections=len(self._open))
        self.seen.clear()
        self.changed()

    def changed(self) -> None:
        """Wake who waits in `wait_for`; for fronts that keep the counters themselves."""
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)


def by_path(values: Mapping[str, object]) -> Handler:
    """A handler that answers each path with its JSON value (or with the StubReply given for it), others with 404."""
    replies = {path: value if isinstance(value, StubReply) else StubReply.json(value) for path, value in values.items()}

    def answer(request: StubRequest) -> StubReply:
        return replies.get(request.path) or StubReply.json({"error": f"no {request.path}"}, 404)

    return answer


class _Connection(asyncio.Protocol):
    """One peer. A call that neither waits nor has a fault is answered without a task: benchmarks run on stubs."""

    def __init__(self, service: StubService) -> None:
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._reader = _Reader()
        self._transport: asyncio.Transport
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._room: asyncio.Future[None] | None = None  # there while written bytes are still in our buffer
        self._task: asyncio.Task[None] | None = None
        self._record: StubRecord | None = None  # the call in hand, and the counters it is counted in
        self._counters = service.counters
        self._cut = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by duck typing only
        self._transport.set_write_buffer_limits(high=0)  # so that "written" means given to the kernel
        self._service._open.add(self)
        self._service.counters.connections += 1
        self._service.counters.open_connections += 1
        self._service.changed()
        if not self._service._listening:  # accepted in the very turn the service went away
            self.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        self._service._open.discard(self)
        self._service.counters.open_connections -= 1
        if self._task is None:
            self._gone()
        else:  # a call has ended when its work has, not when it was told to
            self._task.cancel()
            self._task.add_done_callback(lambda _: self._gone())

    def _gone(self) -> None:
        if self._record is not None:
            self._end(self._record, cancelled=not self._cut)
        self._lost.set_result(None)
        self._service.changed()

    def data_received(self, data: bytes) -> None:
        self._service.counters.bytes_in += len(data)
        self._service.changed()
        try:
            self._reader.feed(data)
        except httptools.HttpParserError as error:
            self.write(_head(StubReply(status=400), keep_alive=False))
            self.close()
            log.info("%s: not HTTP: %s", self._service.name, error)
        else:
            self._work()

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    # Wire: what a fault is played on

    def write(self, data: bytes) -> None:
        self._transport.write(data)
        self._service.counters.bytes_out += len(data)
        self._service.changed()

    async def drained(self) -> None:
        if self._room is not None:
            await self._room

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        """Send RST: closing with a linger time of zero does."""
        with socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def cut(self) -> "asyncio.Future[None]":
        """Close at once, for the service's own reasons; the future is done when it has happened."""
        self._cut = True
        self._transport.abort()
        return self._lost

    # one call after another

    def _work(self) -> None:
        while self._reader.ready and self._record is None and not self._transport.is_closing():
            request, keep_alive = self._reader.ready.popleft()
            fault = self._begin(request)
            reply = None if fault else self._service._ask(request)
            if isinstance(reply, StubReply):
                self.write(b"".join(_encode(reply, request.method, keep_alive)))
                if self._room is None:
                    self._done(keep_alive)
                    continue
            self._task = self._loop.create_task(self._slowly(request, keep_alive, fault, reply))

    def _begin(self, request: StubRequest) -> Fault | None:
        """Enter the call in the books; its fault, if it is to have one."""
        service = self._service
        self._counters = service.counters
        self._record = StubRecord(request.method, request.path, request.raw_target, request.headers)
        service.seen.append(self._record)
        self._counters.calls += 1
        service.changed()
        return service.faults.get(request.path, service.fault)

    async def _slowly(
        self,
        request: StubRequest,
        keep_alive: bool,
        fault: Fault | None,
        reply: StubReply | Awaitable[StubReply] | None,
    ) -> None:
        """What needs a task: a fault, a handler that awaits, an answer that the kernel did not take at once."""

        async def answer() -> tuple[bytes, bytes]:
            return _encode(await self._service._answer(request, fault), request.method, keep_alive)

        if fault is not None:
            await play(fault, self, answer)
        elif reply is not None and not isinstance(reply, StubReply):
            self.write(b"".join(_encode(await self._service._settle(reply), request.method, keep_alive)))
        await self.drained()
        self._task = None
        self._done(keep_alive)
        self._work()

    def _done(self, keep_alive: bool) -> None:
        if self._record is not None:
            self._end(self._record, cancelled=False)
        if not keep_alive:
            self.close()

    def _end(self, record: StubRecord, *, cancelled: bool) -> None:
        self._record = None
        record.ended, record.cancelled = time.monotonic(), cancelled
        if cancelled:
            self._counters.cancels += 1
        else:
            self._counters.finished += 1
        self._service.changed()


class _Reader:
    """Puts requests together from what the parser tells; whole ones wait in `ready` with their keep-alive."""

    def __init__(self) -> None:
        self.ready: deque[tuple[StubRequest, bool]] = deque()
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        with suppress(httptools.HttpParserUpgrade):  # the request is whole by then; it is answered without upgrading
            self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._target = bytearray()
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        target = self._target.decode("latin-1")
        path, _, query = target.partition("?")
        request = StubRequest(
            method=self._parser.get_method().decode("ascii"),
            path=unquote(path),
            query=parse_qs(query, keep_blank_values=True) if query else {},
            headers=self._headers,
            body=b"".join(self._body),
            raw_target=target,
        )
        self.ready.append((request, self._parser.should_keep_alive() and not self._parser.should_upgrade()))


def _encode(reply: StubReply, method: str, keep_alive: bool) -> tuple[bytes, bytes]:
    """Head and body as they go over the wire; HEAD and the statuses without a body have the head alone."""
    bodiless = method == "HEAD" or reply.status in BODILESS
    return _head(reply, keep_alive), b"" if bodiless else reply.body


def _head(reply: StubReply, keep_alive: bool) -> bytes:
    lines = [_status_line(reply.status)]
    if reply.status not in BODILESS:
        lines.append(f"Content-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n")
    lines += [f"{name}: {value}\r\n" for name, value in reply.headers]
    lines.append("\r\n" if keep_alive else "Connection: close\r\n\r\n")
    return "".join(lines).encode("latin-1")


@cache
def _status_line(status: int) -> str:
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n"
