"""A level that moves a step at a time: a peak must not shed, and one good moment must not bring the load back."""

# Seconds of trouble on end before the level rises by one (reliability-security.md 2.6), and of health before it falls by
# one: longer, so that it does not swing, and short enough that the highest level is left within 5 s (F25).
RISE = 1.0
FALL = 1.5


class Ladder:
    """0 is well. `look` it in the eye often; between `bad` and well lies what changes nothing."""

    __slots__ = ("_bad_since", "_top", "_well_since", "level")

    def __init__(self, top: int) -> None:
        self.level = 0
        self._top = top
        self._bad_since: float | None = None
        self._well_since: float | None = None

    def look(self, now: float, *, bad: bool, well: bool) -> None:
        """What was found at the moment `now`, in monotonic seconds."""
        if not bad:
            self._bad_since = None
        elif self._bad_since is None:
            self._bad_since = now
        elif now - self._bad_since >= RISE and self.level < self._top:
            self.level, self._bad_since = self.level + 1, now
        if not well:
            self._well_since = None
        elif self._well_since is None:
            self._well_since = now
        elif now - self._well_since >= FALL and self.level:
            self.level, self._well_since = self.level - 1, now
