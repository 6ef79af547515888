"""The access log's sink: lines are gathered and written together; what does not fit is dropped and counted."""

import asyncio
import sys
from collections.abc import Callable, Mapping

import orjson

# Lines are written together: one write a line costs as much as the line. A person who tails the log does not see 100 ms.
FLUSH_AFTER = 0.1
# What may wait for the sink; above it lines are dropped and counted, for a hung sink must not eat the memory.
MAX_WAITING = 10_000


def write_to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class AccessLog:
    """Buffers lines and writes them by `sink`; None writes nothing."""

    def __init__(self, sink: Callable[[bytes], None] | None = write_to_stdout) -> None:
        self._sink = sink
        self._lines: list[bytes] = []
        self._scheduled = False
        self.dropped = 0

    @property
    def on(self) -> bool:
        return self._sink is not None

    def line(self, fields: Mapping[str, object]) -> None:
        """Note one request that has ended."""
        if len(self._lines) >= MAX_WAITING:
            self.dropped += 1
            return
        self._lines.append(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_later(FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        self._scheduled = False
        lines, self._lines = self._lines, []
        if lines and self._sink is not None:
            self._sink(b"".join(lines))
