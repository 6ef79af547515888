"""The state's home in the process: bounded by bytes, each value with an end, the least recently used leave first."""

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from bff.deadline import LOOP_CLOCK, Clock
from bff.state.store import StateUnavailable

# What a value costs beside its own bytes and its key's, in CPython 3.11: their headers (33 + 49), the entry (56), its
# place in the dictionary (about 130) and in the heap of ends (about 100).
OVERHEAD: Final = 370

# Ends that no longer hold are left in the heap until they are most of it: taking one out of the middle costs a search.
_SPARE: Final = 64


@dataclass(slots=True)
class _Kept:
    value: bytes
    ends: float
    size: int


class Memory:
    """Values by key, in at most `limit` bytes. Nothing here waits: it is the store without its `async`.

    A value is gone at its end, not a moment later; ends are on the clock that is passed in, so that the wall clock's
    jumps change none. Where room is wanted, what has ended leaves first, then the least recently used.
    """

    def __init__(self, limit: int, clock: Clock = LOOP_CLOCK) -> None:
        self._limit, self._now = limit, clock.now
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._ends: list[tuple[float, str]] = []
        self.size = 0
        self.evicted = 0  # left before their end, because room was wanted

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> bytes | None:
        found = self._kept.get(key)
        if found is None:
            return None
        if found.ends <= self._now():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return found.value

    def set(self, key: str, value: bytes, ttl: float) -> None:
        """Raises StateUnavailable for what is larger than all that may be kept."""
        size = len(key) + len(value) + OVERHEAD
        if size > self._limit:
            raise StateUnavailable(f"{size} bytes are more than the {self._limit} that may be kept in process")
        if key in self._kept:
            self._drop(key)
        now = self._now()
        self._end(now)
        while self.size + size > self._limit:
            self._drop(next(iter(self._kept)))
            self.evicted += 1
        ends = now + ttl
        self._kept[key] = _Kept(value, ends, size)
        self.size += size
        heapq.heappush(self._ends, (ends, key))

    def add(self, key: str, value: bytes, ttl: float) -> bool:
        """Keep it unless something is there already; whether it was kept."""
        if self.get(key) is not None:
            return False
        self.set(key, value, ttl)
        return True

    def swap(self, key: str, expected: bytes, value: bytes | None, ttl: float) -> bool:
        """Replace (or, with None, delete) what is there if it is `expected`; whether it was."""
        if self.get(key) != expected:
            return False
        if value is None:
            self._drop(key)
        else:
            self.set(key, value, ttl)
        return True

    def delete(self, key: str) -> None:
        if key in self._kept:
            self._drop(key)

    def clear(self) -> None:
        self._kept.clear()
        self._ends.clear()
        self.size = 0

    def _drop(self, key: str) -> None:
        self.size -= self._kept.pop(key).size

    def _end(self, now: float) -> None:
        """Let go of all that has ended."""
        ends, kept = self._ends, self._kept
        while ends and ends[0][0] <= now:
            at, key = heapq.heappop(ends)
            found = kept.get(key)
            if found is not None and found.ends == at:
                self._drop(key)
        if len(ends) > 2 * len(kept) + _SPARE:
            ends[:] = [(found.ends, key) for key, found in kept.items()]
            heapq.heapify(ends)


class MemoryStore:
    """The store of one process: no other sees what it keeps, and it is gone with the process."""

    shared = False

    def __init__(self, limit: int, clock: Clock = LOOP_CLOCK) -> None:
        self.memory = Memory(limit, clock)

    async def get(self, key: str) -> bytes | None:
        return self.memory.get(key)

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        self.memory.set(key, value, ttl)

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        return self.memory.add(key, value, ttl)

    async def swap(self, key: str, expected: bytes, value: bytes | None, ttl: float) -> bool:
        return self.memory.swap(key, expected, value, ttl)

    async def delete(self, key: str) -> None:
        self.memory.delete(key)

    async def start(self) -> None:
        """There is nothing to look at."""

    async def close(self) -> None:
        self.memory.clear()
