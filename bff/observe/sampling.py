"""Which requests' traces are kept: a share of all, decided at the head, and those that failed, degraded or were slow.

A bucket stands over both: a client that marks every request as sampled, or a storm of failures, cannot make the export
of traces cost more than `per_second` of them do.
"""

from collections.abc import Callable
from random import Random

from bff.deadline import LOOP_CLOCK, Clock

Draw = Callable[[], float]


class Sampler:
    """`ratio` of the requests that begin a trace, all whose client says sampled, at most `per_second` in all.

    Less than one a second is one in more seconds.
    """

    def __init__(self, ratio: float, per_second: float, *, draw: Draw | None = None, clock: Clock = LOOP_CLOCK) -> None:
        self.over = 0  # traces that the bucket refused
        self._ratio = ratio
        self._rate = per_second
        self._draw = draw or Random().random
        self._now = clock.now
        self._most = self._left = max(1.0, per_second)
        self._at = clock.now()

    def head(self, parent_sampled: bool | None) -> bool:
        """Whether a request is sampled as it arrives; None: it has no parent."""
        wanted = self._draw() < self._ratio if parent_sampled is None else parent_sampled
        return wanted and self.take()

    def take(self) -> bool:
        """A place in this second; what is refused is counted."""
        now = self._now()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            self.over += 1
            return False
        self._left -= 1
        return True
