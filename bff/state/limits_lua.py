"""How every script of a limit begins: Redis's own clock, so that no instance's clock counts (F34)."""

# Microseconds; up to 2**53 a Lua number is exact, which lasts until the year 2255.
CLOCK = """
local told = redis.call('TIME')
local now = tonumber(told[1]) * 1000000 + tonumber(told[2])
"""

# Every script is given these; `room` (whole units) and the times are the algorithm's to find.
TAKEN = """
local key = KEYS[1]
local cost, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local function granted(room)
  if room < cost then return 0 end
  return math.min(math.max(cost, most), room)
end
"""
