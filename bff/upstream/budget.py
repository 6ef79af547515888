"""What bounds the load that we add to a service in trouble: one budget of extra attempts, for retries and hedges alike."""

from typing import Final

from bff.deadline import Clock

# Seconds that a first attempt pays for (Finagle): what was earned in a quiet hour must not be spent in one storm.
WINDOW: Final = 10
# The second that runs and the ten before it, so that the whole window is always looked back on.
_SLOTS: Final = WINDOW + 1


class Budget:
    """Extra attempts of one service: `ratio` for each first one, and `floor` a second that are always allowed.

    In any ten seconds at most `ratio` times the first attempts of these (and of the second before) and ten times
    `floor` are extra. A call has one budget however often it is sent, so retries and hedges cannot add up.
    """

    __slots__ = ("_extra", "_first", "_now", "_ratio", "_second", "_slot", "_standing")

    def __init__(self, ratio: float, floor: float, clock: Clock) -> None:
        self._ratio, self._standing, self._now = ratio, floor * WINDOW, clock.now
        self._first = [0] * _SLOTS  # by second, in a ring
        self._extra = [0] * _SLOTS
        self._second = int(clock.now())
        self._slot = self._second % _SLOTS

    def earn(self) -> None:
        """A first attempt is sent."""
        second = int(self._now())
        if second != self._second:
            self._turn(second)
        self._first[self._slot] += 1

    def spend(self) -> bool:
        """Whether one more may be sent, which is counted then."""
        second = int(self._now())
        if second != self._second:
            self._turn(second)
        if self._standing + self._ratio * sum(self._first) - sum(self._extra) < 1:
            return False
        self._extra[self._slot] += 1
        return True

    def _turn(self, second: int) -> None:
        """Empty the seconds that have passed since the last one."""
        for passed in range(max(self._second + 1, second - _SLOTS + 1), second + 1):
            self._first[passed % _SLOTS] = self._extra[passed % _SLOTS] = 0
        self._second = second
        self._slot = second % _SLOTS
