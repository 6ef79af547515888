"""How many processes share the limits: each tells Redis that it lives, and hears how many do."""

import asyncio
from collections import deque
from uuid import uuid4

from bff.deadline import LOOP_CLOCK, Clock, sleep
from bff.state.limits_lua import CLOCK
from bff.state.store import Script, Scripts, StateUnavailable

# Seconds between two beats: a new instance is counted by all within that; a beat costs Redis nothing to speak of.
EVERY = 5.0
# Beats after which one that is not heard any more is gone: two may be lost to a pause or a failover.
MISSED = 3

_KEY = "thali:instances"
_BEAT = Script(
    "limit_instances",
    CLOCK
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
if ARGV[3] == 'here' then redis.call('ZADD', KEYS[1], now, ARGV[1]) else redis.call('ZREM', KEYS[1], ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[2]) / 1000))
return {redis.call('ZCARD', KEYS[1])}
""",
)


class Fleet:
    """The processes that count in the same Redis. A worker is one; `start` when it begins, `close` when it ends."""

    def __init__(self, scripts: Scripts, clock: Clock = LOOP_CLOCK, name: str | None = None) -> None:
        self._scripts, self._clock, self._name = scripts, clock, name or uuid4().hex
        self._heard: deque[int] = deque(maxlen=MISSED)
        self._beating: asyncio.Task[None] | None = None

    @property
    def live(self) -> int | None:
        """How many there are, this one among them; None when it was never heard. Kept while Redis does not answer.

        The most that the last beats told: after a flush the others are back a beat later, and a share that is too small
        for a while harms less than one that is too large.
        """
        return max(self._heard, default=None)

    async def start(self) -> None:
        """Be counted, and go on being counted until `close`. Redis down is no fault: it is tried again each beat."""
        await self.beat()
        self._beating = asyncio.get_running_loop().create_task(self._beat_on())

    async def close(self) -> None:
        """Be counted no more."""
        beating, self._beating = self._beating, None
        if beating is not None:
            beating.cancel()
            await asyncio.wait([beating])
        await self._tell("gone")

    async def beat(self) -> None:
        live = await self._tell("here")
        if live is not None:
            self._heard.append(live)

    async def _beat_on(self) -> None:
        while True:
            await sleep(EVERY, self._clock)
            await self.beat()

    async def _tell(self, what: str) -> int | None:
        try:
            (live,) = await self._scripts.run(_BEAT, _KEY, [self._name, int(EVERY * MISSED * 1_000_000), what])
        except StateUnavailable:
            return None
        return int(live)
