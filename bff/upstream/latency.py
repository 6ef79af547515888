"""How long calls take: buckets since the start for histograms, and the quantiles of the recent ones for decisions."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

# Upper bounds in seconds; x 1.6 apart from 1 ms to 10 s: a quantile is told within a quarter, in 20 counters.
BOUNDS: Final = (
    0.001, 0.0016, 0.0025, 0.004, 0.0064, 0.01, 0.016, 0.025, 0.04, 0.064,
    0.1, 0.16, 0.25, 0.4, 0.64, 1.0, 1.6, 2.5, 4.0, 10.0,
)  # fmt: skip
# Recent: this window and the one before it. Long enough for a p95 at a few calls a second, short enough to follow a change.
WINDOW: Final = 30.0
# Fewer than these say nothing of a tail.
ENOUGH: Final = 20


class Latency:
    """Durations in seconds. `counts[i]` are those up to `BOUNDS[i]`, the last one those above all bounds."""

    __slots__ = ("_before", "_past", "_recent", "_until", "sum")

    def __init__(self) -> None:
        self.sum = 0.0
        # Each one is in one of these, so that it is counted once as it comes and summed up when somebody reads.
        self._recent = _zeros()
        self._before = _zeros()
        self._past = _zeros()  # what quantiles do not look at: older than both windows, or no good answer
        self._until = WINDOW  # the moment at which the window of `_recent` ends

    @classmethod
    def of(cls, counts: Sequence[int]) -> "Latency":
        """From counts that were told by another process, all of them taken as recent; their sum is not known."""
        latency = cls()
        latency._recent = list(counts)
        return latency

    @property
    def counts(self) -> list[int]:
        return [sum(place) for place in zip(self._past, self._before, self._recent, strict=True)]

    @property
    def count(self) -> int:
        return sum(self._past) + sum(self._before) + sum(self._recent)

    def add(self, seconds: float, now: float) -> None:
        """Count one; `now` is the monotonic moment at which it ended."""
        if now >= self._until:
            self._turn(now)
        self._recent[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def add_failed(self, seconds: float) -> None:
        """Count one that got no good answer, which tells nothing of how long those take: a timeout lasts as long as we
        let it, and a refusal is quicker than any answer (a client could bring the quantiles down with 404s)."""
        self._past[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def quantile(self, share: float, now: float | None = None) -> float | None:
        """The recent quantile (0.5, 0.95, ...), interpolated in its bucket; None while there are too few calls.

        Told the moment, it forgets what is past both windows even when no call has come since.
        """
        if now is not None and now >= self._until + WINDOW:
            return None
        total = sum(self._recent) + sum(self._before)
        if total < ENOUGH:
            return None
        rank, passed = share * total, 0
        for place, upper in enumerate(BOUNDS):
            here = self._recent[place] + self._before[place]
            if here and passed + here >= rank:
                lower = BOUNDS[place - 1] if place else 0.0
                return lower + (upper - lower) * (rank - passed) / here
            passed += here
        return BOUNDS[-1]

    def _turn(self, now: float) -> None:
        long_ago = now >= self._until + WINDOW
        gone = (self._before, self._recent) if long_ago else (self._before,)
        self._past = [sum(place) for place in zip(self._past, *gone, strict=True)]
        self._before = _zeros() if long_ago else self._recent
        self._recent = _zeros()
        self._until = now + WINDOW


def _zeros() -> list[int]:
    return [0] * (len(BOUNDS) + 1)
