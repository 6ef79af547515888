"""Who tries credentials until one fits is stopped: refused for a minute, then for longer and longer (S038).

Each instance counts for itself and in memory: it must hold while nothing else can be reached, and 256 random bits are
found by no number of instances. What it saves is our own work, and the log.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from typing import Final

from bff.faces.problems import Problem
from bff.gateway.address import network_of

WINDOW: Final = 60.0  # seconds in which failures are counted together
BY_PAIR: Final = 10  # failures of one address with one key id: nobody types a key, so even ten are a program's
BY_ADDRESS: Final = 300  # of one address whatever it tried: an office behind it may have some misconfigured programs
LOCK: Final = 60.0  # seconds of the first lock-out; each that follows within a day is twice as long as the one before
LONGEST: Final = 3600.0  # seconds; of the longest lock-out
FORGET: Final = 86400.0  # seconds after which an address that failed no more is as good as new
MOST: Final = 20_000  # addresses and pairs remembered, 300 bytes each; the one longest quiet leaves first


class _Tries:
    """The failures of one address or pair."""

    __slots__ = ("count", "last", "locked_until", "locks", "since")

    def __init__(self, now: float) -> None:
        self.count, self.locks = 0, 0
        self.since = self.last = now
        self.locked_until = float("-inf")


class Guesses:
    """Failed credentials by address, and by address and key id. Costs a request nothing while nobody fails."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()

    def refuse(self, address: str, key_id: str = "") -> None:
        """Raise the 429 problem while the address, or it with this key, is locked out: right or wrong, nothing is checked."""
        if not self._tries:
            return
        network, now = network_of(address), self._now()
        for one in ((network, ""), (network, key_id)) if key_id else ((network, ""),):
            tries = self._tries.get(one)
            if tries is not None and now < tries.locked_until:
                raise _locked_out(tries.locked_until - now, BY_PAIR if one[1] else BY_ADDRESS)

    def failed(self, address: str, key_id: str = "") -> None:
        """Count a credential that was none of ours."""
        network = network_of(address)
        self._count((network, ""), BY_ADDRESS)
        if key_id:
            self._count((network, key_id), BY_PAIR)

    def _count(self, one: tuple[str, str], most: int) -> None:
        now = self._now()
        tries = self._tries.get(one)
        if tries is None or now - tries.last > FORGET:
            tries = self._tries[one] = _Tries(now)
            if len(self._tries) > MOST:
                self._tries.popitem(last=False)
        self._tries.move_to_end(one)
        if now - tries.since > WINDOW:
            tries.since, tries.count = now, 0
        tries.last = now
        tries.count += 1
        if tries.count >= most:
            tries.locked_until = now + min(LONGEST, LOCK * 2**tries.locks)
            tries.locks, tries.count = min(tries.locks + 1, 10), 0


def _locked_out(seconds: float, quota: int) -> Problem:
    wait = max(1, ceil(seconds))
    headers = [
        (b"retry-after", b"%d" % wait),
        (b"ratelimit-policy", b'"credentials";q=%d;w=%d' % (quota, WINDOW)),
        (b"ratelimit", b'"credentials";r=0;t=%d' % wait),
    ]
    return Problem("quota-exceeded", "too many credentials that were not valid", headers=headers)
