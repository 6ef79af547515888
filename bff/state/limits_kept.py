"""Counts by key, bounded: the least recently asked for leave first."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# Keys of one policy in one process. A key costs 200 bytes and its counts; who could bring this many addresses or names
# within a window has more of them than a limit by address or name could hold back anyway.
MOST_KEYS = 100_000


class Kept(Generic[T]):
    """A dict whose oldest entries leave when there are more than `most`. `get` makes an entry the youngest.

    `peek` and `touch` are its two halves, for who finds what it wants with nearly every request: without a frame.
    """

    __slots__ = ("_entries", "_most", "peek", "touch")

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._entries: OrderedDict[str, T] = OrderedDict()
        self._most = most
        self.peek: Callable[[str], T | None] = self._entries.get
        self.touch: Callable[[str], None] = self._entries.move_to_end

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> T | None:
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: str, value: T) -> T | None:
        """Keep it as the youngest; what had to leave for it, if something had."""
        entries = self._entries
        entries[key] = value
        entries.move_to_end(key)
        return entries.popitem(last=False)[1] if len(entries) > self._most else None

    def pop(self, key: str) -> None:
        self._entries.pop(key, None)

    def pop_oldest(self) -> T | None:
        return self._entries.popitem(last=False)[1] if self._entries else None
