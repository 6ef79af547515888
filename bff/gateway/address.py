"""The client's address: the socket's, or what proxies of ours say that theirs was."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from bff.errors import Refusal

_FORWARDED_FOR = b"x-forwarded-for"
_FORWARDED_PROTO = b"x-forwarded-proto"
# More proxies of one's own than this stand before nobody; further to the left it is somebody's invention.
MOST_HOPS = 16
# Bytes of an entry: an IPv6 address in brackets with a port and some spaces has 60.
_LONGEST = 64
# A few proxies, and the clients that come again: an address looked at anew costs 3 us.
_KEPT = 1024

Headers = list[tuple[bytes, bytes]]


class Proxies:
    """The proxies before this gateway, by their networks. Raises Refusal with every network that is none."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        faults: list[str] = []
        self._networks = [found for text in networks if (found := _network(text, faults)) is not None]
        if faults:
            raise Refusal(faults)
        self.any = bool(self._networks)
        self._is_ours = lru_cache(_KEPT)(self._look)

    def trusts(self, peer: str) -> bool:
        """Whether the other end of the connection is one of them."""
        return self.any and self._is_ours(peer)

    def told(self, headers: Headers, peer: str) -> tuple[str, bool]:
        """What `peer`, which is trusted, says of its client: the address, and whether it came by TLS.

        The address is the right-most `X-Forwarded-For` entry that is no proxy of ours: what stands left of it was said by
        strangers (S067). It is the proxy itself when nobody else is named.
        """
        hops: list[bytes] = []
        scheme = b""
        for name, value in headers:
            if name == _FORWARDED_FOR:
                hops.append(value)
            elif name == _FORWARDED_PROTO:
                scheme = value
        secure = scheme == b"https" or scheme.rpartition(b",")[2].strip().lower() == b"https"
        return (self._client(b",".join(hops), peer) if hops else normal(peer)), secure

    def _client(self, hops: bytes, peer: str) -> str:
        address = normal(peer)
        for _ in range(MOST_HOPS):
            hops, comma, entry = hops.rpartition(b",")
            found = _plain(entry.strip().decode("latin-1")) if len(entry) <= _LONGEST else None
            if found is None:
                break  # `unknown`, or nonsense: nobody of ours says that of a client, so whoever said it is the client
            address = found
            if not comma or not self._is_ours(address):
                break
        return address

    def _look(self, address: str) -> bool:
        try:
            found = _unmapped(ip_address(address))
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def normal(address: str) -> str:
    """As it is counted and logged: an IPv4 client of a socket for both is `::ffff:192.0.2.1`, and 192.0.2.1 to us."""
    return (_plain(address) or address) if ":" in address else address


def _network(text: str, faults: list[str]) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError as error:
        faults.append(f"server.trusted_proxies: {error}; write a network (10.0.0.0/8) or an address")
        return None


@lru_cache(_KEPT)
def _plain(entry: str) -> str | None:
    """An entry as an address: without port and brackets; None when it is none."""
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    if "%" in entry:
        return None  # a zone means something on one machine alone, and may be any text
    try:
        return str(_unmapped(ip_address(entry)))
    except ValueError:
        return None


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(_KEPT)
def network_of(address: str) -> str:
    """The part of an address that one customer has: an IPv4 address, of IPv6 the /64 (S152)."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped) if found.ipv4_mapped else str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
