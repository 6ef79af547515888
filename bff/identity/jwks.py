"""The keys of one issuer, kept fresh behind the requests that need them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import Context

from bff.errors import BackendUnreachable
from bff.identity.algorithms import Key
from bff.identity.key_document import Fetch, KeysNotHad, read_keys

SOFT_TTL = 300.0  # seconds after which keys are fetched anew behind the requests: a removed key is gone by then
HARD_TTL = 24 * 3600.0  # seconds for which old keys outlive their issuer; an outage of a day is for people to decide on
GAP = 30.0  # seconds between two fetches, whatever asks for them: made-up kids must not become a storm on the issuer
COLD_GAP = 1.0  # the same while there is no key at all, when every caller is waiting for the issuer to come back
NEGATIVE_TTL = 60.0  # seconds for which a kid that the issuer did not know waits for no fetch again
MAX_NEGATIVE = 1000  # kids remembered so; more only means that one of them waits once more
TIMEOUT = 2.0  # seconds for a whole fetch, the body included; longer than a screen has anyway


class KeySet:
    """The keys published at `url`, by kid.

    At most one fetch runs, in a task that belongs to no request, and at most one starts in GAP seconds. Keys older
    than SOFT_TTL serve on while they are fetched anew; whatever the issuer answers instead of keys leaves the old ones
    in place, up to HARD_TTL. `close` it in the end.
    """

    def __init__(self, url: str, fetch: Fetch, now: Callable[[], float] = time.monotonic, *, timeout: float = TIMEOUT) -> None:
        self.url = url
        self.fetches = 0
        self.last_fault: str | None = None  # why the last fetch failed; None once one went well
        self._fetch, self._now, self._timeout = fetch, now, timeout
        self._keys: dict[str, Key] = {}
        self._fetched_at = 0.0
        self._next_at = -1.0  # no fetch starts before this moment
        self._unknown: OrderedDict[str, float] = OrderedDict()  # kid -> until when it waits for nothing
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def held(self, kid: str) -> Key | None:
        """The key, if it is here now. Costs no waiting; keys that are getting old are fetched anew meanwhile."""
        age = self._now() - self._fetched_at
        if not self._keys or age > HARD_TTL:
            return None
        if age > SOFT_TTL:
            self._start()
        return self._keys.get(kid)

    async def find(self, kid: str) -> Key | None:
        """The key, or None when the issuer has none of that name. Waits for one fetch if that may bring it.

        Raises BackendUnreachable when there are no keys to judge by: then nothing is known about the token. A caller
        that is cancelled while it waits leaves the fetch and the others who wait for it alone.
        """
        key = self.held(kid)
        if key is not None:
            return key
        task = self._start()
        if task is not None and not (self._usable() and self._known_unknown(kid)):
            await _ended(task)
            key = self.held(kid)
            if key is None and self.last_fault is None:
                self._remember_unknown(kid)
        if not self._usable():
            raise BackendUnreachable("jwks", f"{self.url}: {self.last_fault}", retry_after=COLD_GAP)
        return key

    async def warm(self) -> None:
        """Fetch the keys if there are none yet, so that no request has to wait. A failure shows in `last_fault`."""
        task = None if self._usable() else self._start()
        if task is not None:
            await _ended(task)

    async def close(self) -> None:
        """End the fetch that may be running. Keys already here can still be used."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def _usable(self) -> bool:
        return bool(self._keys) and self._now() - self._fetched_at <= HARD_TTL

    def _known_unknown(self, kid: str) -> bool:
        """Whether a whole fetch, not long ago, did not have this kid. One more runs all the same, but nobody waits."""
        return self._unknown.get(kid, 0.0) > self._now()

    def _remember_unknown(self, kid: str) -> None:
        self._unknown[kid] = self._now() + NEGATIVE_TTL
        self._unknown.move_to_end(kid)
        if len(self._unknown) > MAX_NEGATIVE:
            self._unknown.popitem(last=False)

    def _start(self) -> asyncio.Task[None] | None:
        """The fetch that is running; a new one if it is time for it; else None."""
        if self._task is not None and not self._task.done():
            return self._task
        now = self._now()
        if self._closed or now < self._next_at:
            return None
        self._next_at = now + (GAP if self._usable() else COLD_GAP)
        # An empty context: the caller who happens to come first lends neither its identity nor its deadline.
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._load(now), name=f"keys of {self.url}", context=Context())
        return self._task

    async def _load(self, started: float) -> None:
        self.fetches += 1
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._fetch(self.url)
            keys = read_keys(body)
        except (KeysNotHad, OSError) as fault:  # TimeoutError is an OSError
            self.last_fault = str(fault) or type(fault).__name__
            return
        self._keys, self._fetched_at, self.last_fault = keys, started, None
        self._next_at = started + GAP


async def _ended(task: asyncio.Task[None]) -> None:
    """Wait for a task that is not ours: being cancelled leaves it alone. An error out of it is a bug, so it shows."""
    await asyncio.wait((task,))
    if not task.cancelled() and (fault := task.exception()) is not None:
        raise fault
