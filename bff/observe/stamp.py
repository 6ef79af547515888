"""The wall clock as text, to the millisecond: RFC 3339 in UTC, its seconds made once a second."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Final

# Formatting the part of a second is dearer than all the rest of a line's time.
_PARTS: Final = tuple(f".{part:03d}Z" for part in range(1000))


class Stamp:
    """Called, it gives the time now."""

    __slots__ = ("_now", "_second", "_text")

    def __init__(self, now: Callable[[], float] = time) -> None:
        self._now = now
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        second, part = divmod(int(self._now() * 1000), 1000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return self._text + _PARTS[part]
