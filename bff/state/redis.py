"""The state's home in Redis: one for all instances. Each command and script is about one key, so a cluster will do.

The whole of a command takes `timeout` (30 ms) at most, a second trip included, and nothing is tried again behind the
caller's back. A command that was not answered may have been done: only the caller knows what asking again would do.
"""

from collections.abc import Awaitable, Sequence
from hashlib import sha1
from math import ceil
from typing import Final, Protocol

from redis.exceptions import NoScriptError, RedisError, ResponseError

from bff.deadline import LOOP_CLOCK, Clock
from bff.errors import Refusal
from bff.state.redis_cluster import ClusterRoad
from bff.state.redis_dial import Dialler, Unfit
from bff.state.redis_figures import Figures
from bff.state.redis_link import IDLE, Link, Word
from bff.state.redis_wire import Reply
from bff.state.store import Script, StateUnavailable
from bff.state_settings import StateSettings

# Redis has none of its own that compares and sets. Without ARGV[2] it deletes.
_SWAP: Final = Script(
    "swap",
    """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if #ARGV == 1 then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
""",
)


class Road(Protocol):
    """The way to the server that has a key."""

    def ask(self, key: str, words: Sequence[Word], due: float) -> Awaitable[Reply]: ...

    async def look(self) -> None:
        """Whether the servers can be used. Raises Unfit for what waiting does not mend, RedisError or OSError for a fault."""
        ...

    def open(self) -> None: ...

    async def close(self) -> None: ...


class RedisStore:
    """Store and Scripts (bff/state/store.py). `figures` is for metrics."""

    shared = True

    def __init__(self, road: Road, timeout: float, figures: Figures, clock: Clock = LOOP_CLOCK) -> None:
        self.figures = figures
        self._road, self._timeout, self._now = road, timeout, clock.now
        self._hashes: dict[str, str] = {}  # by text; a program has a handful

    async def get(self, key: str) -> bytes | None:
        reply = await self._ask(key, (b"GET", key))
        return reply if isinstance(reply, bytes) else None

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        await self._ask(key, (b"SET", key, value, b"PX", _milliseconds(ttl)))

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        return await self._ask(key, (b"SET", key, value, b"PX", _milliseconds(ttl), b"NX")) is not None

    async def swap(self, key: str, expected: bytes, value: bytes | None, ttl: float) -> bool:
        given = (expected,) if value is None else (expected, value, _milliseconds(ttl))
        return await self._run(_SWAP, key, given) == 1

    async def delete(self, key: str) -> None:
        await self._ask(key, (b"DEL", key))

    async def run(self, script: Script, key: str, arguments: Sequence[int | float | str]) -> list[int | bytes]:
        reply = await self._run(script, key, arguments)
        replies = reply if isinstance(reply, list) else [reply]
        return [part for part in replies if isinstance(part, int | bytes)]

    async def start(self) -> None:
        try:
            await self._road.look()
        except Unfit as error:
            await self.close()
            raise Refusal([f"[state] {error}"]) from error
        except (RedisError, OSError):
            pass  # what it is used for says itself how it does without
        self._road.open()

    async def close(self) -> None:
        await self._road.close()

    async def _run(self, script: Script, key: str, arguments: Sequence[Word]) -> Reply:
        """By its hash; whole where the server does not know it (it is new, was emptied, or is another one now)."""
        known = self._hashes.get(script.text)
        if known is None:
            known = self._hashes[script.text] = sha1(script.text.encode(), usedforsecurity=False).hexdigest()
        due = self._now() + self._timeout
        reply = await self._road.ask(key, (b"EVALSHA", known, 1, key, *arguments), due)
        if isinstance(reply, NoScriptError):
            self.figures.scripts_loaded += 1
            reply = await self._road.ask(key, (b"EVAL", script.text, 1, key, *arguments), due)
        return _told(reply, script.name)

    async def _ask(self, key: str, words: Sequence[Word]) -> Reply:
        return _told(await self._road.ask(key, words, self._now() + self._timeout), str(words[0]))


class OneRoad:
    """All keys to one server, or to the primary that the sentinels name."""

    def __init__(self, dialler: Dialler, figures: Figures, clock: Clock, idle: float) -> None:
        self._dialler = dialler
        name = dialler.address.primary or "{}:{}".format(*dialler.address.hosts[0])
        self._link = Link(name, dialler.primary, dialler.budget, figures, clock=clock, idle=idle)

    def ask(self, key: str, words: Sequence[Word], due: float) -> Awaitable[Reply]:
        return self._link.ask(words, due)

    async def look(self) -> None:
        await (await self._dialler.primary()).disconnect()

    def open(self) -> None:
        self._link.open()

    async def close(self) -> None:
        await self._link.close()


def redis_store(settings: StateSettings, clock: Clock = LOOP_CLOCK, *, idle: float = IDLE) -> RedisStore:
    """The store at `settings.url`. Raises Refusal for an authority that cannot be read.

    After `idle` seconds without traffic Redis is asked how it is.
    """
    figures, dialler = Figures(), Dialler(settings)
    road = (ClusterRoad if dialler.address.kind == "cluster" else OneRoad)(dialler, figures, clock, idle)
    return RedisStore(road, settings.timeout, figures, clock)


def _told(reply: Reply, what: str) -> Reply:
    if isinstance(reply, ResponseError):
        raise StateUnavailable(f"Redis refuses {what}: {reply}")
    return reply


def _milliseconds(ttl: float) -> int:
    """Redis wants one at least."""
    return max(1, ceil(ttl * 1000))
