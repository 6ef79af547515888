"""Asking DNS by dnspython: over TCP, over UDP where that does not answer; nothing is cached here."""

from typing import Final
from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdtypes.IN.SRV import SRV

from bff.upstream.discover_dns import Family, Target
from bff.upstream.discover_watch import NothingFound

# Over UDP a Consul agent answers with three of its many records, other ones each time, and by default does not say that
# there are more; and anybody on the way can forge it. A connection every few seconds costs nothing (RFC 7766: every
# server has it); UDP is left for networks that let nothing else through.
_TCP_FIRST: Final = (True, False)
# A server in the same data centre answers in milliseconds; after this the next one of resolv.conf is asked.
_TRY: Final = 0.75
# Over each of the two: two servers have their turn, and a look every 5 s with one of these is over within the 10 s in
# which a move is to be followed.
_EACH: Final = 1.5


class DnsResolver:
    """The servers and the search list of resolv.conf (read when first asked, so that a process starts without it), or
    the one server of `nameserver`, "address:port". /etc/hosts is not DNS and is not read."""

    def __init__(self, nameserver: str | None = None, *, resolv_conf: str = "/etc/resolv.conf") -> None:
        self._system, self._resolv_conf = nameserver is None, resolv_conf
        self._made = None if nameserver is None else _of(nameserver)

    async def addresses(self, name: str, family: Family) -> tuple[list[str], float]:
        answer = await self._ask(name, family)
        return [record.to_text() for record in answer.rrset or ()], answer.chaining_result.minimum_ttl

    async def targets(self, name: str) -> tuple[list[Target], float]:
        answer = await self._ask(name, "SRV")
        brought: dict[dns.name.Name, tuple[str, ...]] = {}
        good = float(answer.chaining_result.minimum_ttl)
        for records in answer.response.additional:
            if records.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                brought[records.name] = (*brought.get(records.name, ()), *(record.to_text() for record in records))
                good = min(good, records.ttl)
        return [
            Target(
                record.target.to_text(omit_final_dot=False),
                record.port,
                record.priority,
                record.weight,
                brought.get(record.target, ()),
            )
            for record in answer.rrset or ()
            if isinstance(record, SRV)
        ], good

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer:
        resolver, trouble = self._servers(), ""
        for tcp in _TCP_FIRST:
            try:
                return await resolver.resolve(name, kind, tcp=tcp, raise_on_no_answer=False, search=self._system)
            except dns.resolver.NXDOMAIN as error:
                raise NothingFound(f"{kind} {name}: there is no such name") from error
            except (dns.exception.DNSException, OSError) as error:
                trouble = str(error)
        raise NothingFound(f"{kind} {name}: {trouble}")

    def _servers(self) -> dns.asyncresolver.Resolver:
        if self._made is None:
            try:
                self._made = _limited(dns.asyncresolver.Resolver(self._resolv_conf))
            except (dns.exception.DNSException, OSError) as error:
                raise NothingFound(f"{self._resolv_conf}: {error}") from error
        return self._made


def _of(nameserver: str) -> dns.asyncresolver.Resolver:
    parts = urlsplit(f"//{nameserver}")
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(parts.hostname or "", parts.port or 53)]
    return _limited(resolver)


def _limited(resolver: dns.asyncresolver.Resolver) -> dns.asyncresolver.Resolver:
    resolver.timeout, resolver.lifetime = _TRY, _EACH
    resolver.use_edns()  # answers of more than 512 bytes over UDP too
    return resolver
