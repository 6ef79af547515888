"""Instances from DNS: the addresses of a name (A and AAAA), or the targets of a service (SRV, RFC 2782)."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, Protocol

from bff.endpoint import Endpoint
from bff.upstream.discover_watch import NothingFound, Seen
from bff.upstream.instances import MOST

Family = Literal["A", "AAAA"]

# A record that may be asked for again at once (TTL 0, as Consul serves it) is asked for this often: DNS is shared.
_SOONEST: Final = 1.0
# Lookups at once of one SRV answer that came without addresses: soon done for a few dozen, no storm for a thousand.
_AT_ONCE: Final = 10


@dataclass(frozen=True, slots=True)
class Target:
    """One SRV record, and the addresses of its host where the answer brought them along."""

    host: str
    port: int
    priority: int = 0
    weight: int = 0
    addresses: tuple[str, ...] = ()


class Resolver(Protocol):
    """Asks a DNS server: what it answered, and for how many seconds that is good. An empty answer is one too;
    NothingFound if there was none, or none that helps (NXDOMAIN, SERVFAIL, time out)."""

    async def addresses(self, name: str, family: Family) -> tuple[list[str], float]: ...

    async def targets(self, name: str) -> tuple[list[Target], float]: ...


def has_route(address: str) -> bool:
    """Whether this machine could send there at all: a UDP socket's connect asks the kernel and sends nothing."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError:
        return False
    return True


class _Host:
    """The addresses of one name, of both families together."""

    def __init__(self, name: str, resolver: Resolver, routed: Callable[[str], bool]) -> None:
        self._name, self._resolver, self._routed = name, resolver, routed
        self._gave: set[Family] = set()
        self.kept: tuple[str, ...] = ()  # as they were found last

    async def look(self) -> float:
        """See which they are now; seconds for which that is good. NothingFound leaves `kept` as it was."""
        answers = await asyncio.gather(self._asked("A"), self._asked("AAAA"))
        both = [answer for answer in answers if not isinstance(answer, NothingFound)]
        for family, answer in zip(("A", "AAAA"), answers, strict=True):
            # Some servers fail on AAAA for ever; but a family that has had addresses has lost none of them by failing.
            if isinstance(answer, NothingFound) and (family in self._gave or not both):
                raise answer
        self.keep(tuple(address for addresses, _ in both for address in addresses))
        return min(good for _, good in both)

    def keep(self, addresses: tuple[str, ...]) -> None:
        """NothingFound if there is none. Those of a family that this machine has no route to are left out, as
        getaddrinfo does, unless there are no others: half of a dual-stack service would be dead in an IPv4-only pod."""
        if not addresses:
            raise NothingFound(f"{self._name}: it has no address")
        one_of_each = {":" in address: address for address in addresses}
        usable = {family for family, address in one_of_each.items() if self._routed(address)} or one_of_each.keys()
        self.kept = tuple(sorted({address for address in addresses if (":" in address) in usable}))

    async def _asked(self, family: Family) -> tuple[list[str], float] | NothingFound:
        try:
            addresses, good = await self._resolver.addresses(self._name, family)
        except NothingFound as why:
            return why
        if addresses:
            self._gave.add(family)
        return addresses, good


class AddressLook:
    """Every address of `host` is an instance on `port`; Host header and certificate name stay `host`."""

    def __init__(
        self,
        host: str,
        port: int,
        scheme: str,
        every: float,
        resolver: Resolver,
        routed: Callable[[str], bool] = has_route,
    ) -> None:
        self._port, self._scheme, self._every = port, scheme, every
        self._server_name = host.rstrip(".")
        self._host = _Host(host, resolver, routed)

    async def __call__(self) -> Seen:
        good = await self._host.look()
        return Seen(
            tuple(Endpoint(self._scheme, one, self._port, server_name=self._server_name) for one in self._host.kept),
            _until_next(good, self._every),
        )


class ServiceLook:
    """Every address of the SRV targets of the lowest priority is an instance, with the record's weight (0: 1).

    What is stated as Host and what certificates must name is the service's own name, `name` without its leading
    _labels: whoever forges an answer could name any target, so no target vouches for itself (RFC 6125 section 6.2.1).
    A target whose addresses cannot be had keeps those that it had.
    """

    def __init__(
        self, name: str, scheme: str, every: float, resolver: Resolver, routed: Callable[[str], bool] = has_route
    ) -> None:
        self._name, self._scheme, self._every = name, scheme, every
        self._server_name = ".".join(label for label in name.rstrip(".").split(".") if not label.startswith("_"))
        self._resolver, self._routed = resolver, routed
        self._hosts: dict[str, _Host] = {}  # of the last answer's targets
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self) -> Seen:
        targets, good = await self._resolver.targets(self._name)
        offered = [target for target in targets if target.host not in ("", ".") and target.port]
        if not offered:
            raise NothingFound(f"{self._name}: it has no target")
        lowest = min(target.priority for target in offered)
        chosen = sorted((one for one in offered if one.priority == lowest), key=lambda one: (one.host, one.port))[:MOST]
        self._hosts = {one.host: self._hosts.get(one.host) or _Host(one.host, self._resolver, self._routed) for one in chosen}
        outcomes = await asyncio.gather(*(self._located(target) for target in chosen))
        endpoints = tuple(
            Endpoint(self._scheme, address, target.port, target.weight or 1, self._server_name)
            for target in chosen
            for address in self._hosts[target.host].kept
        )
        trouble = next((why for _, why in outcomes if why), "")
        if not endpoints:
            raise NothingFound(trouble)
        return Seen(endpoints, _until_next(min(good, *(until for until, _ in outcomes)), self._every), trouble)

    async def _located(self, target: Target) -> tuple[float, str]:
        """Bring the addresses of its host up to date; seconds for which they are good, and what went wrong."""
        host = self._hosts[target.host]
        try:
            if target.addresses:
                host.keep(target.addresses)
                return inf, ""
            async with self._turns:
                return await host.look(), ""
        except NothingFound as why:
            return inf, str(why)


def _until_next(good: float, every: float) -> float:
    return min(every, max(good, _SOONEST))
