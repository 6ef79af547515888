"""What the supervisor and a worker say to each other: orders on the command line, words on a socket pair.

The pair has a second use: each end reads end-of-file when the other process is gone, however it went.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from bff.server.options import ServeOptions

# A worker's exit code when the product refused to start; anything else but 0 is a crash or a cut.
REFUSED = 2

# What closing pools may take: a goodbye to each backend and to Redis, each bounded by its own timeout below this.
SHUTDOWN = 5.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What one worker is started with; `listener` and `line` are descriptors it inherits."""

    options: ServeOptions
    listener: int
    line: int
    private: str  # where the worker opens its unix socket

    def write(self) -> str:
        return msgspec.json.encode(self).decode()

    @staticmethod
    def read(text: str) -> "Orders":
        return msgspec.json.decode(text, type=Orders)


@dataclass(frozen=True, slots=True)
class Word:
    """One line from a worker to the supervisor."""

    state: Literal["ready", "draining", "refused"]
    faults: tuple[str, ...] = ()

    def write(self) -> bytes:
        return msgspec.json.encode(self) + b"\n"

    @staticmethod
    def read(line: bytes) -> "Word":
        return msgspec.json.decode(line, type=Word)
