"""API keys, checked: records are kept for a while, so that most requests wait for nothing."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import Context
from typing import Final

from bff.errors import BackendUnreachable
from bff.identity.api_key import KeyRecord, id_of, judge
from bff.identity.key_home import KeyHome, KeysUnreadable

TTL: Final = 10.0  # seconds a record is believed: how late a revocation is seen
UNKNOWN_TTL: Final = 1.0  # seconds that there is no such key: one that was just made should not have to wait for long
STALE: Final = (
    300.0  # seconds that a record outlives its home's failing: a disk or a Redis is back by then, or people are there
)
MAX_KNOWN: Final = 10_000  # records, as many as there may be
MAX_UNKNOWN: Final = 1_000  # ids that there are none of; more only means that one of them is looked up once more
WAIT: Final = 0.5  # seconds for one look-up, half a screen's budget
_GAP: Final = 1.0  # seconds between two look-ups that fail

_log = logging.getLogger("bff")


class ApiKeys:
    """Checks keys against their `home`. `now` is monotonic, `wall` the time that keys end by. `close` it in the end."""

    def __init__(
        self,
        home: KeyHome,
        *,
        ttl: float = TTL,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._home, self._ttl, self._now, self._wall = home, ttl, now, wall
        self._known: OrderedDict[str, tuple[float, KeyRecord]] = OrderedDict()  # id -> looked up when, what
        self._unknown: OrderedDict[str, float] = OrderedDict()  # id -> looked up when
        self._flights: dict[str, asyncio.Task[None]] = {}
        self._failed_at = float("-inf")

    async def check(self, text: str) -> KeyRecord:
        """The record of a key. Raises Unauthenticated, and BackendUnreachable when it cannot be told: a 503, not a 401.

        It waits only for a key that was not asked for in the last `ttl` seconds; one look-up serves all who wait.
        """
        key_id = id_of(text)
        return judge(text, await self._record(key_id), self._wall())

    async def close(self) -> None:
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)

    async def _record(self, key_id: str) -> KeyRecord | None:
        asked_at, record = self._last(key_id)
        age, ttl = self._now() - asked_at, self._ttl if record is not None else UNKNOWN_TTL
        if age >= ttl:
            await self._looked_up(key_id)
            asked_at, record = self._last(key_id)
            if self._now() - asked_at >= (self._ttl + STALE if record is not None else UNKNOWN_TTL):
                raise BackendUnreachable("api-keys", "the keys cannot be read", retry_after=_GAP)
        elif age >= ttl / 2 and record is not None:
            self._flight(key_id)  # behind: whoever calls every few seconds never waits
        return record

    def _last(self, key_id: str) -> tuple[float, KeyRecord | None]:
        """When it was last looked up, and what was found."""
        known = self._known.get(key_id)
        return (self._unknown.get(key_id, float("-inf")), None) if known is None else known

    async def _looked_up(self, key_id: str) -> None:
        flight = self._flight(key_id)
        if flight is not None:
            await asyncio.wait((flight,), timeout=WAIT)  # a request that is cancelled here leaves the flight to the others

    def _flight(self, key_id: str) -> asyncio.Task[None] | None:
        flight = self._flights.get(key_id)
        if flight is None and self._now() - self._failed_at >= _GAP:
            # An empty context: whoever comes first lends neither its identity nor its deadline.
            flight = asyncio.get_running_loop().create_task(self._look_up(key_id), name="api key", context=Context())
            self._flights[key_id] = flight
        return flight

    async def _look_up(self, key_id: str) -> None:
        try:
            async with asyncio.timeout(WAIT):
                record = await self._home.find(key_id)
        except (KeysUnreadable, TimeoutError) as fault:
            self._failed_at = self._now()
            _log.error("API keys cannot be read: %s", fault or "no answer in time")
        else:
            self._remember(key_id, record)
        finally:
            del self._flights[key_id]

    def _remember(self, key_id: str, record: KeyRecord | None) -> None:
        now = self._now()
        if record is None:
            self._known.pop(key_id, None)
            self._unknown[key_id] = now
            self._unknown.move_to_end(key_id)
            if len(self._unknown) > MAX_UNKNOWN:
                self._unknown.popitem(last=False)
            return
        self._unknown.pop(key_id, None)
        self._known[key_id] = (now, record)
        self._known.move_to_end(key_id)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
