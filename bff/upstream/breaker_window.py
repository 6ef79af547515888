"""What a breaker looks back on: how many of the calls of the last seconds were bad or slow."""

from math import ceil
from typing import Final

# Hystrix's: a second is short enough that an outage is told soon after it began, and ten of them cost nothing to keep.
_BUCKET: Final = 1.0


class Window:
    """The sums over the last `seconds`, kept in buckets of a second that fall out one by one.

    A call falls out between `seconds - 1` and `seconds` after it was added. Moments are monotonic and never go back.
    They are good before the moment `until`: then `turn`, before they are read or added to.
    """

    __slots__ = ("_at", "_buckets", "_older", "_width", "bad", "calls", "slow", "until")

    def __init__(self, seconds: float) -> None:
        count = max(1, ceil(seconds / _BUCKET))
        self._width = seconds / count
        self._buckets = [(0, 0, 0)] * count  # calls, bad, slow; that of this moment is empty, see `_older`
        self._at = 0
        self.until = 0.0
        self._older = (0, 0, 0)  # the sums when the bucket of this moment began: what came on top of them is in it
        self.calls = 0
        self.bad = 0
        self.slow = 0

    def add(self, now: float, bad: bool, slow: bool) -> None:
        """Count one that ended now."""
        if now >= self.until:
            self.turn(now)
        self.calls += 1
        self.bad += bad
        self.slow += slow

    def clear(self) -> None:
        """Forget everything."""
        self._buckets = [(0, 0, 0)] * len(self._buckets)
        self._older = (0, 0, 0)
        self.calls = self.bad = self.slow = 0

    def turn(self, now: float) -> None:
        """Go on to the bucket of this moment and drop those that are passed on the way."""
        passed = int((now - self.until) / self._width) + 1
        if passed >= len(self._buckets):
            self.clear()
            self.until = now + self._width
            return
        calls, bad, slow = self._older
        self._buckets[self._at] = (self.calls - calls, self.bad - bad, self.slow - slow)
        for _ in range(passed):
            self._at = (self._at + 1) % len(self._buckets)
            calls, bad, slow = self._buckets[self._at]
            self.calls -= calls
            self.bad -= bad
            self.slow -= slow
            self._buckets[self._at] = (0, 0, 0)
        self._older = (self.calls, self.bad, self.slow)
        self.until += passed * self._width
