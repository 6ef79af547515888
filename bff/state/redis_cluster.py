"""A cluster: which node has a key, and what is done when another has it by now."""

import asyncio
from collections.abc import Sequence
from typing import Final, TypeAlias

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError
from redis.exceptions import ConnectionError as Broken

from bff.deadline import Clock, sleep
from bff.state.redis_dial import Dialler, Host, Unfit
from bff.state.redis_figures import Figures
from bff.state.redis_link import Link, Word, seen
from bff.state.redis_wire import Reply
from bff.state.store import StateUnavailable

Map: TypeAlias = list[tuple[int, int, Host]]  # first slot, last slot, the node that serves them

# Seconds between two looks at the map, while a node is away or one said that keys had moved: a failover is seen after it.
_AGAIN: Final = 0.5

_MAP: Final = "map"  # beside the nodes in the figures' states


class ClusterRoad:
    """A link to each node that serves slots. The map is read behind the requests, by one task."""

    def __init__(self, dialler: Dialler, figures: Figures, clock: Clock, idle: float) -> None:
        self._dialler, self._figures, self._clock, self._idle = dialler, figures, clock, idle
        self._links: dict[Host, Link] = {}
        self._slots: list[Link | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._stale = asyncio.Event()
        self._mapped = asyncio.Event()  # a first look at the map has ended, well or not
        self._keeping: asyncio.Task[None] | None = None

    async def ask(self, key: str, words: Sequence[Word], due: float) -> Reply:
        if not self._mapped.is_set():
            await self._first(due)
        link = self._slots[key_slot(key.encode())]
        if link is None:
            self._stale.set()
            self._figures.refused += 1
            raise StateUnavailable("no node of the cluster is known to have this key")
        reply = await link.ask(words, due)
        if isinstance(reply, AskError):
            reply = await self._elsewhere(link, reply, words, due)
        if isinstance(reply, ClusterDownError):
            self._stale.set()
        return reply

    async def look(self) -> None:
        for host in self._dialler.address.hosts:
            try:
                await (await self._dialler.to(host)).disconnect()
            except Unfit:
                raise
            except (RedisError, OSError):
                continue  # the next one may tell

    def open(self) -> None:
        if self._keeping is None:
            self._stale.set()
            self._keeping = asyncio.get_running_loop().create_task(self._keep(), name="redis cluster")

    async def close(self) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait([keeping])
        for link in self._links.values():
            await link.close()

    async def _first(self, due: float) -> None:
        self.open()
        try:
            async with asyncio.timeout(max(0.0, due - self._clock.now())):
                await self._mapped.wait()
        except TimeoutError:
            self._mapped.set()  # the next ones do not wait for what these have waited for
            raise StateUnavailable("the cluster's map is not known yet") from None

    async def _elsewhere(self, asked: Link, told: AskError, words: Sequence[Word], due: float) -> Reply:
        """Once, to the node that was named. While a slot moves (ASK), that holds for this command alone."""
        link = self._link((told.host or asked.name.rpartition(":")[0], told.port))  # no host: the same, on another port
        if isinstance(told, MovedError):
            self._stale.set()
        else:
            link.ask((b"ASKING",), due).add_done_callback(seen)  # no turn lies between: it goes right before the command
        return await link.ask(words, due)

    def _link(self, host: Host) -> Link:
        link = self._links.get(host)
        if link is None:
            name = f"{host[0]}:{host[1]}"
            link = Link(
                name,
                lambda: self._dialler.to(host),
                self._dialler.budget,
                self._figures,
                clock=self._clock,
                lost=self._stale.set,
                idle=self._idle,
            )
            self._links[host] = link
        link.open()
        return link

    # The map.

    async def _keep(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                unused = self._take(await self._map())
            except (RedisError, OSError):
                self._figures.states[_MAP] = "open"
                self._stale.set()
            else:
                self._figures.states[_MAP] = "closed"
                for link in unused:
                    await link.close()
            self._mapped.set()
            await sleep(_AGAIN, self._clock)

    async def _map(self) -> Map:
        """By the first that answers: those that are up, then the others, then those of the settings."""
        known = sorted(self._links, key=lambda host: not self._links[host].up)
        faults: list[str] = []
        for host in dict.fromkeys([*known, *self._dialler.address.hosts]):
            try:
                told = await self._dialler.ask(host, "CLUSTER", "SLOTS")
            except (RedisError, OSError) as error:
                faults.append(f"{host[0]}:{host[1]}: {error}")
                continue
            if isinstance(told, list) and told:
                return [(first, last, _host(node, host)) for first, last, node, *_ in told]
            faults.append(f"{host[0]}:{host[1]} has no slots")
        raise Broken("; ".join(faults))

    def _take(self, found: Map) -> list[Link]:
        """Live by this map; the links that are not on it any more."""
        slots: list[Link | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, host in found:
            slots[first : last + 1] = [self._link(host)] * (last + 1 - first)
        self._slots = slots
        on = {host for _, _, host in found}
        return [self._links.pop(host) for host in list(self._links) if host not in on]


def _host(node: Sequence[bytes | int | None], asked: Host) -> Host:
    """A node that does not know its own address stands there without one: it is the one that was asked."""
    name, port = node[0], int(node[1] or 0)
    return (name.decode() if isinstance(name, bytes) and name not in (b"", b"?") else asked[0]), port
