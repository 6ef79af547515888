"""Looking again and again where a service's instances are; what was found last holds until something else is."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bff.deadline import LOOP_CLOCK, Clock, sleep
from bff.endpoint import Endpoint
from bff.upstream.stats import ServiceStats

_log = logging.getLogger("bff")

Found = Callable[[Sequence[Endpoint]], None]

# Until a first look has told something the service cannot be called at all, so the next one waits no longer than this.
_FIRST: Final = 1.0


class NothingFound(Exception):
    """A look that told nothing, and why: what was found before still holds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look told: the whole list, in an order that depends on nothing but what is in it, and how long it is good
    for. `trouble` says which part of it is older than the rest because it could not be had."""

    endpoints: tuple[Endpoint, ...]
    again: float  # seconds until the next look
    trouble: str = ""


Look = Callable[[], Awaitable[Seen]]


class Watch:
    """A `look` at once and then again, every `every` seconds at the latest; `found` hears of every list that is new.

    A look that told nothing is counted in `stats.discovery_failed`, and the first one in a row is logged. Nothing on the
    way of a call waits for it.
    """

    def __init__(self, service: str, look: Look, every: float, stats: ServiceStats, clock: Clock = LOOP_CLOCK) -> None:
        self._service, self._look, self._every, self._stats, self._clock = service, look, every, stats, clock
        self._trouble = ""
        self._task: asyncio.Task[None] | None = None

    def start(self, found: Found) -> None:
        """Needs a running loop; `found` is called from its next turns on."""
        self._task = asyncio.get_running_loop().create_task(self._run(found))
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, found: Found) -> None:
        known: tuple[Endpoint, ...] = ()
        while True:
            pause = self._every if known else min(self._every, _FIRST)
            try:
                seen = await self._look()
            except NothingFound as why:
                self._tell(str(why))
            else:
                self._tell(seen.trouble)
                pause = seen.again
                if seen.endpoints != known:
                    known = seen.endpoints
                    found(known)
            await sleep(pause, self._clock)

    def _tell(self, trouble: str) -> None:
        if trouble:
            self._stats.discovery_failed += 1
        if trouble and not self._trouble:
            _log.warning("discovery of %s: %s; what was found last still holds", self._service, trouble)
        elif self._trouble and not trouble:
            _log.warning("discovery of %s: well again", self._service)
        self._trouble = trouble

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            _log.error("a bug in the discovery of %s: its instances stay as they are", self._service, exc_info=task.exception())
