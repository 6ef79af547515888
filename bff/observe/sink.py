"""A file descriptor that may hang, written to by a thread of its own, so that nobody else ever waits for it.

A descriptor that is shared with other processes (standard output is) cannot be made non-blocking for one of them, hence
the thread. While the sink hangs, what fits is kept, the rest is dropped and counted.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from select import select
from typing import Final

# Bytes that wait for a sink: some 20,000 lines, seconds of a busy worker. More would only be later, not less lost.
MOST_WAITING: Final = 8 * 1024 * 1024
# A pipe takes this much in one piece (POSIX: PIPE_BUF, 4,096 on Linux), so that the lines of several workers do not mix.
AT_ONCE: Final = 4096

STDOUT: Final = 1


class BackgroundWriter:
    """Writes whole lines to a descriptor in their order. `dropped` counts lines that the sink did not take."""

    def __init__(self, descriptor: int = STDOUT, write: Callable[[int, bytes], int] = os.write) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._write = write
        self._waiting: deque[bytes] = deque()
        self._size = 0  # bytes that wait, those being written included
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def offer(self, lines: bytes) -> None:
        """Take lines, each with its end, or drop and count them. Never blocks: the lock is not held while writing."""
        with self._changed:
            if self._size + len(lines) > MOST_WAITING:
                self.dropped += lines.count(b"\n")
                return
            self._waiting.append(lines)
            self._size += len(lines)
            if self._thread is None:  # a daemon: a sink that hangs for ever must not keep the process from ending
                self._thread = threading.Thread(target=self._run, name="log-sink", daemon=True)
                self._thread.start()
            self._changed.notify()

    def drain(self, within: float) -> bool:
        """Wait until all is written; whether it was, within these seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._size, within)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                lines = self._waiting.popleft()
            for part in _pieces(lines):
                self._put(part)
            with self._changed:
                self._size -= len(lines)
                self._changed.notify_all()

    def _put(self, part: bytes) -> None:
        """One piece, whole; a sink that refuses it (disk full, reader gone) loses it and may take the next."""
        left = part
        while left:
            try:
                left = left[self._write(self._descriptor, left) :]
            except BlockingIOError:  # someone made the descriptor non-blocking
                select([], [self._descriptor], [])
            except OSError:
                with self._changed:
                    self.dropped += left.count(b"\n")
                if len(left) < len(part):  # an end for the line that was cut, so that the next one is whole
                    with suppress(OSError):
                        self._write(self._descriptor, b"\n")
                return


def _pieces(lines: bytes) -> list[bytes]:
    """Whole lines, as many together as are written in one piece; a longer line stands alone."""
    found: list[bytes] = []
    start = 0
    while len(lines) - start > AT_ONCE:
        end = lines.rfind(b"\n", start, start + AT_ONCE) + 1 or lines.index(b"\n", start) + 1
        found.append(lines[start:end])
        start = end
    if start < len(lines):
        found.append(lines[start:])
    return found
