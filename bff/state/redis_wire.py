"""The bytes of one connection: written at once, answers handed on as they come.

redis-py makes the connection (TLS, user, database) and then reads each answer in a coroutine over a stream: 30 us of CPU
for a command alone, 7 in company. Taken from its streams, the socket costs 15 and 3.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias

from hiredis import ProtocolError, Reader
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import AskError, ClusterDownError, MovedError, NoScriptError, ResponseError

Reply: TypeAlias = "bytes | int | ResponseError | list[Reply] | None"

# Bytes of answers that are not whole yet. What is kept is small; a server that sends so much is not to be trusted.
_LARGEST: Final = 16 * 1024 * 1024

# Those that are acted on. redis-py's own list is part of its parsers, which are private.
_ERRORS: Final = {"MOVED": MovedError, "ASK": AskError, "NOSCRIPT": NoScriptError, "CLUSTERDOWN": ClusterDownError}


class PlainConnection(Connection):
    """Gives its socket away."""

    def transport(self) -> asyncio.WriteTransport:
        assert self._writer is not None, "it is not connected"
        return self._writer.transport


class TlsConnection(SSLConnection, PlainConnection):
    pass


class Wire(asyncio.Protocol):
    """`connection` from now on: `replied` gets every answer, `lost` is called once when it ends by itself, with why."""

    def __init__(self, connection: PlainConnection, replied: Callable[[Reply], None], lost: Callable[[str], None]) -> None:
        self._connection = connection  # kept: its stream would close the socket when it is forgotten
        self._transport = connection.transport()
        self._replied, self._lost = replied, lost
        self._reader = Reader(replyError=_error)
        self._pending = 0
        self._ended = False
        self.full = False  # the socket takes no more for now
        self._transport.set_protocol(self)

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def close(self) -> None:
        """Drop the connection, with all that is on its way. Nothing is called after."""
        self.drop()
        await self._connection.disconnect(nowait=True)

    def drop(self) -> None:
        self._ended = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._pending += len(data)
        reader = self._reader
        reader.feed(data)
        try:
            while not self._ended and (reply := reader.gets()) is not False:
                self._pending = 0
                self._replied(reply)
        except ProtocolError as error:
            self._end(f"its answer is no Redis protocol: {error}")
        if self._pending > _LARGEST:
            self._end(f"its answer is over {_LARGEST} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection broke: {exc or 'closed by the server'}")

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False

    def _end(self, why: str) -> None:
        if not self._ended:
            self.drop()
            self._lost(why)


def _error(text: str) -> ResponseError:
    word, _, rest = text.partition(" ")
    kind = _ERRORS.get(word)
    return ResponseError(text) if kind is None else kind(rest)
