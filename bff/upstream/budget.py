"""What bounds the load that we add to a service in trouble: one budget of extra attempts, for retries and hedges alike."""

from typing import Final

# Seconds that a first attempt pays for (Finagle): what was earned in a quiet hour must not be spent in one storm.
WINDOW: Final = 10
# The second that runs and the ten before it, so that the whole window is always looked back on.
_SLOTS: Final = WINDOW + 1


class Budget:
    """Extra attempts of one service: `ratio` for each first one, and `floor` a second that are always allowed.

    In any ten seconds at most `ratio` times the first attempts of these (and of the second before) and ten times
    `floor` are extra. A call has one budget however often it is sent, so retries and hedges cannot add up. Moments are
    monotonic and never go back.
    """

    __slots__ = ("_extra", "_first", "_ratio", "_second", "_sent", "_slot", "_standing", "_until")

    def __init__(self, ratio: float, floor: float, now: float) -> None:
        self._ratio, self._standing = ratio, floor * WINDOW
        self._first = [0] * _SLOTS  # by second, in a ring; those of the second that runs are in `_sent`
        self._extra = [0] * _SLOTS
        self._sent = 0
        self._second = int(now)
        self._until = self._second + 1
        self._slot = self._second % _SLOTS

    def earn(self, now: float) -> None:
        """A first attempt is sent."""
        if now >= self._until:
            self._turn(now)
        self._sent += 1

    def spend(self, now: float) -> bool:
        """Whether one more may be sent, which is counted then."""
        if now >= self._until:
            self._turn(now)
        if self._standing + self._ratio * (self._sent + sum(self._first)) - sum(self._extra) < 1:
            return False
        self._extra[self._slot] += 1
        return True

    def _turn(self, now: float) -> None:
        """Empty the seconds that have passed since the last one."""
        second = int(now)
        self._first[self._slot], self._sent = self._sent, 0
        for passed in range(max(self._second + 1, second - _SLOTS + 1), second + 1):
            self._first[passed % _SLOTS] = self._extra[passed % _SLOTS] = 0
        self._second, self._until = second, second + 1
        self._slot = second % _SLOTS
