"""The access log: lines are gathered and handed to the sink together; what does not fit is dropped and counted."""

import asyncio
from collections.abc import Callable

from bff.observe.sink import BackgroundWriter

# Lines are written together: one write a line costs as much as the line. A person who tails the log does not see 100 ms.
FLUSH_AFTER = 0.1
# Lines that are gathered in that time, 100,000 requests a second; above it they are dropped and counted.
MAX_WAITING = 10_000
# Seconds that the end of a worker waits for its last lines to be written.
LAST_WORDS = 1.0


class AccessLog:
    """Buffers lines and gives them to `sink`, which must not block; None writes nothing."""

    def __init__(self, sink: Callable[[bytes], None] | None) -> None:
        self.on = sink is not None
        self._sink = sink
        self._writer: BackgroundWriter | None = None
        self._lines: list[str] = []
        self._scheduled = False
        self._too_many = 0

    @classmethod
    def to(cls, writer: BackgroundWriter) -> "AccessLog":
        """A log that may hang without anybody waiting for it."""
        log = cls(writer.offer)
        log._writer = writer
        return log

    @property
    def dropped(self) -> int:
        """Lines that were never written: too many at once, or the sink hung or refused them."""
        return self._too_many + (self._writer.dropped if self._writer else 0)

    def line(self, text: str) -> None:
        """Note one request that has ended: one line of JSON, without its end."""
        if len(self._lines) >= MAX_WAITING:
            self._too_many += 1
            return
        self._lines.append(text)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_later(FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Hand over what waits."""
        self._scheduled = False
        lines, self._lines = self._lines, []
        if lines and self._sink is not None:
            lines.append("")
            self._sink("\n".join(lines).encode())

    async def close(self) -> None:
        """Hand over the last lines and wait a moment for them to be written."""
        self.flush()
        if self._writer is not None:
            await asyncio.to_thread(self._writer.drain, LAST_WORDS)
