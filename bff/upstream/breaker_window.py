"""What a breaker looks back on: how many of the calls of the last seconds were bad or slow."""

from math import ceil
from typing import Final

# Hystrix's: a second is short enough that an outage is told soon after it began, and ten of them cost nothing to keep.
_BUCKET: Final = 1.0


class Window:
    """The sums over the last `seconds`, kept in buckets of a second that fall out one by one.

    A call falls out between `seconds - 1` and `seconds` after it was added. Moments are monotonic and never go back.
    """

    __slots__ = ("_at", "_buckets", "_ends", "_width", "bad", "calls", "slow")

    def __init__(self, seconds: float) -> None:
        count = max(1, ceil(seconds / _BUCKET))
        self._width = seconds / count
        self._buckets = [[0, 0, 0] for _ in range(count)]  # calls, bad, slow
        self._at = 0
        self._ends = 0.0
        self.calls = 0
        self.bad = 0
        self.slow = 0

    def add(self, now: float, bad: bool, slow: bool) -> None:
        """Count one that ended now."""
        if now >= self._ends:
            self._turn(now)
        bucket = self._buckets[self._at]
        bucket[0] += 1
        self.calls += 1
        if bad:
            bucket[1] += 1
            self.bad += 1
        if slow:
            bucket[2] += 1
            self.slow += 1

    def clear(self) -> None:
        """Forget everything."""
        for bucket in self._buckets:
            bucket[:] = (0, 0, 0)
        self.calls = self.bad = self.slow = 0

    def _turn(self, now: float) -> None:
        """Go on to the bucket of this moment and drop those that are passed on the way."""
        passed = int((now - self._ends) / self._width) + 1
        if passed >= len(self._buckets):
            self.clear()
            self._ends = now + self._width
            return
        for _ in range(passed):
            self._at = (self._at + 1) % len(self._buckets)
            bucket = self._buckets[self._at]
            self.calls -= bucket[0]
            self.bad -= bucket[1]
            self.slow -= bucket[2]
            bucket[:] = (0, 0, 0)
        self._ends += passed * self._width
