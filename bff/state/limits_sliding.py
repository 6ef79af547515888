"""The sliding window: never more than the limit in any window, wherever it begins.

A log of what was let in. Up to FINE a window it has one entry each and is exact; above, what falls into the same 250th of
the window is one entry, timed by its last: so a place may come back late, by at most 0.4 % of the window, and never early.
A key has 16 bytes an entry here (4 KB at most, whatever the limit) and about 25 in Redis.
"""

from array import array
from collections.abc import Callable
from time import monotonic

from bff.state.limits_kept import MOST_KEYS, Kept
from bff.state.limits_lua import CLOCK, TAKEN
from bff.state.limits_policy import MICRO, Policy, Verdict, share
from bff.state.store import Script

# Entries a window: enough that "1,000 a minute" is 1,000 +-1 % under any load, and that limits of people are exact.
FINE = 250
# Entries of all keys of a policy: 32 MB, 20,000 callers who have each used up 100 a minute.
MOST_ENTRIES = 2_000_000

# A list of "time:count so far", first one that has left the window (or 0:0). So what is in use is the last count less the
# first, and a call touches both ends only, however long the list is.
BODY = """
local limit, window, quantum = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local function entry(at)
  local found = redis.call('LINDEX', key, at)
  if not found then return nil end
  local time, count = string.match(found, '^(%d+):(%d+)$')
  return tonumber(time), tonumber(count)
end
local base = select(2, entry(0)) or 0
local last, total = entry(-1)
total = total or 0
local oldest, count = entry(1)
while oldest and oldest <= now - window do
  redis.call('LPOP', key)
  base = count
  oldest, count = entry(1)
end
local room = math.max(0, limit - (total - base))
local grant = granted(room)
if grant == 0 then
  local lacking, at, wait = cost - room, 1, window
  local time, upto = oldest, count
  while time and cost <= limit do
    wait = time + window - now
    if upto - base >= lacking then break end
    at = at + 1
    time, upto = entry(at)
  end
  return {0, room, (oldest or now) + window - now, wait}
end
local made = string.format('%.0f:%.0f', now, total + grant)
if oldest and quantum > 0 and math.floor(last / quantum) == math.floor(now / quantum) then
  redis.call('LSET', key, -1, made)
  if redis.call('LLEN', key) == 2 then oldest = now end
else
  if not last then redis.call('RPUSH', key, '0:0') end
  redis.call('RPUSH', key, made)
end
redis.call('PEXPIRE', key, math.ceil(window / 1000) + 1)
return {grant, room - grant, (oldest or now) + window - now, 0}
"""


class SlidingWindow:
    """One policy's logs: array('d') of [count before, time, count so far, time, count so far, ...] by key.

    `entries` are those of all keys: what it holds has 16 bytes for each, and 250 for each key.
    """

    script = Script("limit_sliding", CLOCK + TAKEN + BODY)

    def __init__(
        self,
        policy: Policy,
        now: Callable[[], float] = monotonic,
        most_keys: int = MOST_KEYS,
        most_entries: int = MOST_ENTRIES,
    ) -> None:
        self._policy, self._now, self._window = policy, now, policy.window
        self._quantum = 0.0 if policy.limit <= FINE else policy.window / FINE
        self._logs: Kept[array[float]] = Kept(most_keys)
        self.entries, self._most_entries = 0, most_entries

    def take(self, key: str, cost: int, shares: int = 1) -> Verdict:
        policy, now = self._policy, self._now()
        log = self._logs.peek(key)
        if log is None or log[1] <= now - self._window:
            log = self._log(key, now)
        else:  # as most often: nothing has left the window
            self._logs.touch(key)
        limit = policy.limit if shares == 1 else share(policy.limit, shares)
        room = limit - int(log[-1] - log[0])
        if room < cost:
            if len(log) == 1:  # nothing was ever let in, or not for long: what is kept has an entry
                self._logs.pop(key)
            return self._refused(log, now, cost, limit, max(0, room))
        self._add(log, now, cost)
        return Verdict(policy, True, room - cost, log[1] + self._window - now)

    def note(self, key: str, cost: int, shares: int = 1) -> None:
        now = self._now()
        self._add(self._log(key, now), now, cost)

    def arguments(self, cost: int, most: int) -> list[int | float | str]:
        policy = self._policy
        return [cost, most, policy.limit, round(policy.window * MICRO), round(self._quantum * MICRO)]

    def _log(self, key: str, now: float) -> "array[float]":
        """The key's log without what has left the window."""
        log = self._logs.get(key)
        if log is None:
            log = array("d", (0.0,))
            self._left(self._logs.put(key, log))
            return log
        since, end = now - self._window, len(log)
        if end > 1 and log[1] <= since:
            live = 3
            while live < end and log[live] <= since:
                live += 2
            self.entries -= live // 2
            del log[: live - 1]  # what is first now is the count so far of the last that left
        return log

    def _add(self, log: "array[float]", now: float, cost: int) -> None:
        quantum = self._quantum
        if quantum and len(log) > 1 and log[-2] // quantum == now // quantum:
            log[-2] = now
            log[-1] += cost
            return
        log.append(now)
        log.append(log[-2] + cost)
        self.entries += 1
        while self.entries > self._most_entries:
            self._left(self._logs.pop_oldest())

    def _left(self, log: "array[float] | None") -> None:
        if log is not None:
            self.entries -= len(log) // 2

    def _refused(self, log: "array[float]", now: float, cost: int, limit: int, room: int) -> Verdict:
        more = log[1] + self._window - now if len(log) > 1 else 0.0
        if cost > limit:  # it never fits; what is asked for must get smaller
            return Verdict(self._policy, False, room, more or self._window, self._window)
        needed = log[-1] + cost - limit  # the count that must have left
        at = 2
        while log[at] < needed:
            at += 2
        return Verdict(self._policy, False, room, more, log[at - 1] + self._window - now)
