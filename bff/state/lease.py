"""Parts of a limit fetched ahead, so that most requests are judged without asking Redis.

What is fetched is counted in Redis at once. So more than the limit gets in only by as much as all instances held when a
window began: at most SHARE of the limit. As much may be refused too early, by what one instance holds and another wants.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from bff.state.limits_kept import Kept
from bff.state.limits_policy import Charge, Policy, Verdict

# Of the limit, held by all instances together: what "1,000 a minute" may become is 1,050.
SHARE = 0.05
# Keys with something fetched ahead; a key that leaves has lost what it held, which is on the safe side.
_MOST_KEYS = 100_000


@dataclass(slots=True)
class _Lease:
    left: int = 0  # fetched and not spent
    until: float = 0.0  # it was counted in Redis at most a window before this
    remaining: int = 0  # in Redis, when it was fetched
    more_at: float = 0.0
    fetching: bool = False


class Leases:
    """What this instance holds, by key."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._leases: Kept[_Lease] = Kept(_MOST_KEYS)

    def spend(self, charge: Charge) -> Verdict | None:
        """The verdict, if enough was fetched ahead; else None, and Redis must be asked."""
        lease = self._leases.get(charge.key)
        if lease is None or lease.left < charge.cost:
            return None
        now = self._now()
        if now >= lease.until:
            lease.left = 0
            return None
        lease.left -= charge.cost
        return Verdict(charge.policy, True, lease.left + lease.remaining, max(0.0, lease.more_at - now))

    def want(self, charge: Charge, live: int | None) -> int:
        """How much to fetch for it. `settled` must follow when that is more than its cost."""
        most = _part(charge.policy, live)
        if most <= charge.cost:
            return charge.cost
        lease = self._leases.get(charge.key)
        if lease is None:
            lease = _Lease()
            self._leases.put(charge.key, lease)
        if lease.fetching:  # its neighbour's part is on the way: two would be more than may be held
            return charge.cost
        lease.fetching = True
        held = lease.left if self._now() < lease.until else 0
        return max(charge.cost, most - held)

    def fetched(self, charge: Charge, granted: int, verdict: Verdict) -> None:
        """Keep what was granted beyond the charge itself."""
        lease = self._leases.get(charge.key)
        if lease is None:
            return
        now = self._now()
        held = lease.left if now < lease.until else 0
        lease.left = held + max(0, granted - charge.cost)
        if granted:
            lease.until = now + charge.policy.window
        lease.remaining, lease.more_at = verdict.remaining, now + verdict.reset

    def settled(self, charge: Charge) -> None:
        """The fetch is over, however it went."""
        lease = self._leases.get(charge.key)
        if lease is not None:
            lease.fetching = False


def _part(policy: Policy, live: int | None) -> int:
    """How much one instance may hold. Nothing ahead before it is known how many there are."""
    most = policy.limit if policy.algorithm != "bucket" else min(policy.limit, policy.burst or policy.limit)
    return int(most * SHARE / live) if live else 0
