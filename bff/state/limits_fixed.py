"""The fixed window: one count a window by the clock. The cheapest, and up to twice the limit over a boundary."""

from collections.abc import Callable
from time import monotonic

from bff.state.limits_kept import MOST_KEYS, Kept
from bff.state.limits_lua import CLOCK, TAKEN
from bff.state.limits_policy import MICRO, Policy, Verdict, share
from bff.state.store import Script

BODY = """
local limit, window = tonumber(ARGV[3]), tonumber(ARGV[4])
local this = math.floor(now / window)
local left = (this + 1) * window - now
local of, count = string.match(redis.call('GET', key) or '', '^(%d+):(%d+)$')
if tonumber(of) ~= this then count = 0 end
local room = math.max(0, limit - tonumber(count))
local grant = granted(room)
if grant == 0 then return {0, room, left, left} end
redis.call('SET', key, string.format('%.0f:%.0f', this, count + grant), 'PX', math.ceil(left / 1000) + 1)
return {grant, room - grant, left, 0}
"""


class FixedWindow:
    """One policy's counts: by key the window and how much of it is used."""

    script = Script("limit_fixed", CLOCK + TAKEN + BODY)

    def __init__(self, policy: Policy, now: Callable[[], float] = monotonic, most_keys: int = MOST_KEYS) -> None:
        self._policy, self._now = policy, now
        self._counts: Kept[tuple[float, int]] = Kept(most_keys)

    def take(self, key: str, cost: int, shares: int = 1) -> Verdict:
        policy = self._policy
        now, this, used = self._used(key)
        left = (this + 1) * policy.window - now
        room = max(0, share(policy.limit, shares) - used)
        if room < cost:
            return Verdict(policy, False, room, left, left)
        self._counts.put(key, (this, used + cost))
        return Verdict(policy, True, room - cost, left)

    def note(self, key: str, cost: int, shares: int = 1) -> None:
        _, this, used = self._used(key)
        self._counts.put(key, (this, used + cost))

    def arguments(self, cost: int, most: int) -> list[int | float | str]:
        return [cost, most, self._policy.limit, round(self._policy.window * MICRO)]

    def _used(self, key: str) -> tuple[float, float, int]:
        """Now, the window that it is in, and what of it is used."""
        now = self._now()
        this = now // self._policy.window
        of, used = self._counts.get(key) or (this, 0)
        return now, this, used if of == this else 0
