"""The token bucket as GCRA: `limit` a window evenly, and bursts up to `burst`. One number a key, however large the limit."""

from collections.abc import Callable
from math import floor
from time import monotonic

from bff.state.limits_kept import MOST_KEYS, Kept
from bff.state.limits_lua import CLOCK, TAKEN
from bff.state.limits_policy import MICRO, Policy, Verdict, share
from bff.state.store import Script

# Times are binary fractions: a unit that is whole but for their last bit is whole. A microsecond early, never twice.
_ROUNDING = 1e-6

# `full` is the moment at which the bucket is full again: the "theoretical arrival time" of GCRA.
BODY = """
local burst, interval = tonumber(ARGV[3]), tonumber(ARGV[4])
local full = math.max(now, tonumber(redis.call('GET', key) or 0))
local units = (now + 1 - full) / interval + burst
local room = math.max(0, math.floor(units))
local grant = granted(room)
if grant == 0 then
  local wait = burst * interval
  if cost <= burst then wait = (cost - units) * interval end
  return {0, room, math.ceil((room + 1 - units) * interval), math.ceil(wait)}
end
full = full + grant * interval
units = units - grant
redis.call('SET', key, string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return {grant, room - grant, math.ceil((math.floor(units) + 1 - units) * interval), 0}
"""


class Bucket:
    """One policy's buckets: by key the moment at which it is full again."""

    script = Script("limit_bucket", CLOCK + TAKEN + BODY)

    def __init__(self, policy: Policy, now: Callable[[], float] = monotonic, most_keys: int = MOST_KEYS) -> None:
        self._policy, self._now = policy, now
        self._burst = policy.burst or policy.limit
        self._full: Kept[float] = Kept(most_keys)
        self._whole = self._pace(1)

    def take(self, key: str, cost: int, shares: int = 1) -> Verdict:
        policy = self._policy
        interval, burst = self._whole if shares == 1 else self._pace(shares)
        now = self._now()
        full = self._full.peek(key)  # it becomes the youngest when it is put
        if full is None or full < now:
            full = now
        units = (now + _ROUNDING - full) / interval + burst
        if units < cost:
            self._full.get(key)  # the youngest all the same
            room = max(0, floor(units))
            wait = (cost - units) * interval if cost <= burst else burst * interval
            return Verdict(policy, False, room, (room + 1 - units) * interval, wait)
        self._full.put(key, full + cost * interval)
        units -= cost
        room = floor(units)
        return Verdict(policy, True, room, (room + 1 - units) * interval)

    def note(self, key: str, cost: int, shares: int = 1) -> None:
        interval, burst = self._pace(shares)
        now = self._now()
        full = max(now, self._full.get(key) or now) + cost * interval
        self._full.put(key, min(full, now + burst * interval))  # empty is as empty as it gets

    def arguments(self, cost: int, most: int) -> list[int | float | str]:
        return [cost, most, self._burst, repr(self._policy.window * MICRO / self._policy.limit)]

    def _pace(self, shares: int) -> tuple[float, int]:
        """Seconds a unit, and how many at once."""
        policy = self._policy
        if shares == 1:
            return policy.window / policy.limit, self._burst
        return policy.window / share(policy.limit, shares), share(self._burst, shares)
