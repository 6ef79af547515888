"""How long to wait before a crashed worker is started again."""

import time
from collections.abc import Callable

# The first crash costs nobody a wait; a loop of them costs a process start every 30 s and no more.
FIRST = 0.5
LONGEST = 30.0

# A worker that lived this long was sound: its crash is a new story.
STEADY = 60.0


class Backoff:
    """At once, then 0.5 s, 1 s, 2 s ... 30 s; from the start again after a worker that lived a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._crashes = 0
        self._until = clock()

    def crashed(self, lived: float) -> None:
        """A worker ended unasked, `lived` seconds after it became ready (0 if it never did)."""
        self._crashes = 1 if lived >= STEADY else self._crashes + 1
        self._until = self._clock() + self._delay()

    def _delay(self) -> float:
        if self._crashes <= 1:
            return 0.0
        doublings = min(self._crashes - 2, 16)  # capped before it is used: 2.0 ** 1024 overflows
        return min(LONGEST, FIRST * 2.0**doublings)

    def wait(self) -> float:
        """Seconds until the next start is allowed; 0 when it is now."""
        return max(0.0, self._until - self._clock())
