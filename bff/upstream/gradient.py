"""A cap of calls in flight that follows the service's latency: Netflix's gradient2 (concurrency-limits, Gradient2Limit).

While a call takes as long as calls of this service usually do, the cap grows; when calls take longer, they queue over
there, and it shrinks. Nobody has to know the right number.
"""

from math import inf
from typing import Final

# The constants are Gradient2Limit's own defaults.
_TOLERANCE: Final = 1.5  # so many times the usual latency before the cap shrinks
_QUEUE: Final = 4  # calls that may wait at the service: without them the cap could never grow
_SMOOTHING: Final = 0.2  # share of a new estimate that is taken over: one odd call moves little
_LONG: Final = 600  # calls over which the usual latency is an exponential average
_WARMUP: Final = 10  # the first ones are averaged plainly, or the first one would weigh too much
_LEAST: Final = 0.5  # the cap is never more than halved by one estimate
_DRIFT: Final = 0.95  # after a slow spell the usual latency comes down by this a call, while it is over twice the present one


class Gradient:
    """The cap, between `least` and `most`; it begins at `least`, so that a cold service is not flooded."""

    __slots__ = ("_estimate", "_least", "_most", "_samples", "_usual")

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = min(least, most), most
        self._estimate = float(self._least)
        self._usual = 0.0  # seconds
        self._samples = 0

    @property
    def limit(self) -> int:
        return int(self._estimate)

    def add(self, seconds: float, in_flight: int) -> int:
        """The new limit after a call that took so long, with so many in flight when it began (itself among them)."""
        self._samples += 1
        share = 1 / self._samples if self._samples <= _WARMUP else 2 / (_LONG + 1)
        self._usual += (seconds - self._usual) * share
        ratio = self._usual / seconds if seconds > 0 else inf
        if ratio > 2:
            self._usual *= _DRIFT
        if in_flight * 2 >= self._estimate:  # a cap that is not used tells nothing
            wanted = self._estimate * max(_LEAST, min(1.0, _TOLERANCE * ratio)) + _QUEUE
            estimate = self._estimate * (1 - _SMOOTHING) + wanted * _SMOOTHING
            self._estimate = max(self._least, min(self._most, estimate))
        return int(self._estimate)
