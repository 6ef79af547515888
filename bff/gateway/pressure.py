"""How hard this worker is pressed, looked at every 50 ms so that no request has to: each reads a number, ready-made.

    level 0   all is well
    level 1   sections that their screens can live without are not run
    level 2   requests of low priority are refused, normal ones have half the room that they had
    level 3   all but the critical ones are refused

A level comes from the lag of the event loop, from the share of the places in use (level 1) and from memory. Apart from
it each priority has its share of the places, so that a burst is met at once, without waiting for a level.
"""

from collections.abc import Callable, Mapping

from bff.composition.relief import Relief
from bff.deadline import LOOP_CLOCK, Clock, Timer
from bff.gateway.ladder import Ladder
from bff.gateway.saturation import Saturation
from bff.memory import limit, resident
from bff.priority import PRIORITIES, Priority
from bff.settings import ShedSettings

# Seconds between two looks (reliability-security.md 2.6); 20 looks a second cost 0.02 % of a core.
BEAT = 0.05
# Seconds between two looks at memory, which opens a file.
MEMORY_EVERY = 1.0

# The share of the places up to which each priority is let in. They go one after another between 80 % and all of them; the
# critical ones have a reserve above (Stripe keeps 20 %). Normal is what most are: it gets nearly all that there is.
SHARES: Mapping[Priority, float] = {"critical": 1.2, "high": 1.0, "normal": 0.97, "low": 0.8}
# Places in use from which, for a second, optional sections are left off, and below which they come back.
BUSY, QUIET = 0.8, 0.7
# A level is left when what made it is below this share of its threshold.
WELL = 0.5
# Memory moves slowly and in one direction: five points below is enough to tell that it has gone down.
MEMORY_BACK = 0.05
# The peak of the lag fades by half in a second, so that a scrape every few seconds sees that there was one.
_FADE = 0.5**BEAT

LAG_TOP, USE_TOP, REFUSE = 3, 1, 3
_NO_BOUND = 1 << 62


def memory_share(workers: int = 1) -> Callable[[], float]:
    """What `workers` processes like this one hold of what they may, as a reading for Pressure."""
    most = limit()
    return lambda: resident() * workers / most


class Pressure:
    """Read `room`, `relief` and `closing` on the way of a request; the other numbers are for metrics.

    `in_flight` is kept by the gate: requests that were let in and have not been answered. `room[priority]` is the number
    of them from which that priority is refused. `closing`: answers ask their clients to connect anew, elsewhere if they
    can, because connections cost memory. `lag` is in seconds, `memory` a share of what the process may hold.
    """

    def __init__(
        self,
        settings: ShedSettings,
        saturation: Saturation | None = None,
        *,
        memory: Callable[[], float] = lambda: 0.0,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        self.in_flight = 0
        self.limit = settings.max_in_flight
        self.level = 0
        self.lag = 0.0
        self.memory = 0.0
        self.closing = False
        self.relief: Relief | None = None
        self.room: dict[Priority, int] = {}
        self._settings = settings
        self._saturation = saturation or Saturation({}, frozenset())
        self._read_memory = memory
        self._clock = clock
        self._by_lag, self._by_use = Ladder(LAG_TOP), Ladder(USE_TOP)
        self._out_of_memory = False
        self._squeezed = _NO_BOUND  # what normal requests are held to on level 2
        self._memory_at = 0.0
        self._due = 0.0
        self._timer: Timer | None = None
        self._make_room()

    def start(self) -> None:
        """Look from now on; in the running event loop."""
        self._due = self._clock.now() + BEAT
        self._timer = self._clock.call_at(self._due, self._beat)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        now = self._clock.now()
        try:
            self._look(now, max(0.0, now - self._due))
        finally:  # a look that fails (no descriptor left to read memory by) must not be the last: the level would stay
            self._due = now + BEAT
            self._timer = self._clock.call_at(self._due, self._beat)

    def _look(self, now: float, late: float) -> None:
        settings = self._settings
        self.lag = max(late, self.lag * _FADE)
        self._by_lag.look(now, bad=late > settings.max_lag, well=late < settings.max_lag * WELL)
        used = self.in_flight / self.limit
        self._by_use.look(now, bad=used >= BUSY, well=used < QUIET)
        if now - self._memory_at >= MEMORY_EVERY:
            self._memory_at = now
            self._look_at_memory()
        if settings.on:
            self._set_level(max(self._by_lag.level, self._by_use.level, REFUSE if self._out_of_memory else 0))
            self._set_relief(Relief(self.level > 0, self._saturation.look(now)))

    def _look_at_memory(self) -> None:
        settings, share = self._settings, self._read_memory()
        self.memory = share
        self.closing = settings.on and share >= settings.close_at_memory - (MEMORY_BACK if self.closing else 0)
        self._out_of_memory = share >= settings.refuse_at_memory - (MEMORY_BACK if self._out_of_memory else 0)

    def _set_level(self, level: int) -> None:
        if level == self.level:
            return
        if level >= 2 > self.level:
            self._squeezed = max(1, self.in_flight // 2)
        self.level = level
        self._make_room()

    def _set_relief(self, found: Relief) -> None:
        self.relief = found if found.overload or found.saturated else None

    def _make_room(self) -> None:
        room: dict[Priority, int] = dict.fromkeys(PRIORITIES, _NO_BOUND)
        if self._settings.on:
            room = {priority: max(1, int(self.limit * share)) for priority, share in SHARES.items()}
        if self.level >= 2:
            room["low"] = 0
            room["normal"] = min(room["normal"], self._squeezed)
        if self.level >= REFUSE:
            room["normal"] = room["high"] = 0
        self.room = room
