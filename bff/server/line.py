"""A worker's end of the line to its supervisor."""

import asyncio
import socket
from contextlib import suppress

from bff.server.orders import Word


class Line:
    """Words go one way; the other way nothing is ever said, and its end means that the supervisor is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> "Line":
        return cls(*await asyncio.open_connection(sock=end))

    async def say(self, word: Word) -> None:
        """Say it if anybody is there; an orphan drains without a listener."""
        with suppress(ConnectionError):
            self._writer.write(word.write())
            await self._writer.drain()

    async def cut(self, then: asyncio.Event) -> None:
        """Set `then` when the supervisor is gone."""
        with suppress(ConnectionError):
            await self._reader.read(1)
        then.set()
