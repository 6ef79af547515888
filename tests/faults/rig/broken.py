"""The code of the layers gone wrong, one way a function: each is a context manager in which it is so."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from math import inf
from typing import Any
from unittest.mock import patch

import msgspec

from bff import Client, Json
from bff.observe.sink import BackgroundWriter
from bff.upstream.bulkhead import Bulkhead
from bff.upstream.call import Call, Reply
from bff.upstream.codecs.codec import CodecError
from bff.upstream.codecs.json import JsonCodec
from bff.upstream.discover_dns import AddressLook
from bff.upstream.discover_watch import NothingFound, Seen
from bff.upstream.http1 import Connection
from bff.upstream.http1_request import RequestWriter
from bff.upstream.http1_response import ResponseReader


def bad_4xx() -> AbstractContextManager[object]:
    return patch("bff.upstream.verdict.of_status", lambda status: "bad" if status >= 400 else "good")


def all_repeatable() -> AbstractContextManager[object]:
    return patch.object(Call, "repeatable", property(lambda call: True))


@contextmanager
def parts_will_do() -> Iterator[None]:
    """What has come of an answer when its connection ends is taken for the answer."""
    real = Connection.connection_lost

    def part(reader: ResponseReader) -> Reply | None:
        if reader._left:
            return Reply(reader._status, reader._head, b"".join(reader._parts), reader._instance)
        if reader._begun and reader._any is not None and reader._any._head is not None:
            return reader._any.take(reader._instance)
        return None

    def lost(self: Connection, exc: Exception | None) -> None:
        waiter, reply = self.waiter, part(self._reader)
        if waiter is not None and not waiter.done() and reply is not None:
            self.abort()
            waiter.set_result(reply)
        real(self, exc)

    with patch.object(ResponseReader, "end", part), patch.object(Connection, "connection_lost", lost):
        yield


def any_json() -> AbstractContextManager[object]:
    """Numbers have been floats, and a value of another type is handed on as it is."""

    def decoder(self: JsonCodec, kind: Any, invalid: Callable[[CodecError], Exception]) -> Callable[[bytes], Any]:
        def read(raw: bytes) -> Any:
            try:
                value = json.loads(raw, parse_int=lambda text: int(float(text)))
            except ValueError as error:
                raise invalid(CodecError(str(error))) from error
            if kind is Json:
                return Json(json.dumps(value).encode())
            try:
                return msgspec.convert(value, kind, strict=False)
            except msgspec.ValidationError:
                return value

        return read

    return patch.object(JsonCodec, "decoder_raising", decoder)


def no_retry_after() -> AbstractContextManager[object]:
    return patch("bff.upstream.retry.retry_after", lambda reply: 0.0)


def late_counts() -> AbstractContextManager[object]:
    return patch("bff.upstream.http1.LATE", inf)


def shielded() -> AbstractContextManager[object]:
    """A call goes on after its section has been cancelled."""
    real, running = Client._send, set[asyncio.Task[object]]()

    async def send(self: Client, *arguments: Any) -> Any:
        task = asyncio.get_running_loop().create_task(real(self, *arguments))
        running.add(task)
        task.add_done_callback(running.discard)
        return await asyncio.shield(task)

    return patch.object(Client, "_send", send)


def places_lost() -> AbstractContextManager[object]:
    real = Bulkhead.send

    async def send(self: Bulkhead, call: Call) -> Reply:
        try:
            return await real(self, call)
        except asyncio.CancelledError:
            self._stats.in_flight += 1
            raise

    return patch.object(Bulkhead, "send", send)


def no_deadline() -> AbstractContextManager[object]:
    real = RequestWriter.render

    def render(self: RequestWriter, call: Call, left: float, span_id: str = "") -> bytes:
        return real(self, call, left + 1.0, span_id)

    return patch.object(RequestWriter, "render", render)


def empty_look() -> AbstractContextManager[object]:
    real = AddressLook.__call__

    async def look(self: AddressLook) -> Seen:
        try:
            return await real(self)
        except NothingFound:
            return Seen((), 1.0)

    return patch.object(AddressLook, "__call__", look)


def asked_once() -> AbstractContextManager[object]:
    real = AddressLook.__call__

    async def look(self: AddressLook) -> Seen:
        return replace(await real(self), again=3600.0)

    return patch.object(AddressLook, "__call__", look)


@contextmanager
def written_with_answer() -> Iterator[None]:
    ask, received = Connection.ask, Connection.data_received

    def quiet(self: Connection, *arguments: Any) -> Any:
        written = self._stats.written
        try:
            return ask(self, *arguments)
        finally:
            self._stats.written = written

    def counted(self: Connection, data: bytes) -> None:
        waiter = self.waiter
        received(self, data)
        if waiter is not None and waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self._stats.written += 1

    with patch.object(Connection, "ask", quiet), patch.object(Connection, "data_received", counted):
        yield


def log_waits() -> AbstractContextManager[object]:
    def offer(self: BackgroundWriter, lines: bytes) -> None:
        with suppress(OSError):
            os.write(self._descriptor, lines)

    return patch.object(BackgroundWriter, "offer", offer)
