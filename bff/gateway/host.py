"""The names that we are called by (RFC 9110 section 7.2; 421 in section 15.5.20)."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Literal

from bff.errors import Refusal

ANY = "*"
Verdict = Literal["ours", "other", "malformed"]

# A name or an address, and a port; `_` because container names have it. No user, no path.
_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_LAST_PORT = 65535
# Most requests call one of a few names. A head has 16 KB at most (design.md 6.1), so what is kept has 4 MB.
_KEPT = 256


class Hosts:
    """The names, without port; upper or lower case and a trailing dot are the same. Raises Refusal with every odd one."""

    def __init__(self, names: Iterable[str]) -> None:
        given = list(names)
        self._any = ANY in given
        faults = [fault for name in given if name != ANY for fault in _faults(name)]
        if faults:
            raise Refusal(faults)
        self._names = frozenset(_normal(name) for name in given)
        self.verdict = lru_cache(_KEPT)(self._verdict)

    def _verdict(self, value: bytes) -> Verdict:
        """Of a Host header's value."""
        found = _HOST.fullmatch(value)
        if found is None or int(found[2] or 0) > _LAST_PORT:
            return "malformed"
        name = found[1].decode("ascii")
        if name.startswith("[") and not _is_address(name[1:-1]):
            return "malformed"
        return "ours" if self._any or _normal(name) in self._names else "other"


def _faults(name: str) -> Iterable[str]:
    if not (_HOST.fullmatch(name.encode()) or _is_address(name)) or (":" in name and not _is_address(name.strip("[]"))):
        yield f'server.hosts: "{name}" is no name without port; write shop.example, 192.0.2.1, ::1 or "*"'


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _normal(name: str) -> str:
    """As names are compared: an IPv6 address has many spellings, and a name may end with the root's dot."""
    plain = name.strip("[]")
    if ":" in plain:
        return ip_address(plain).compressed
    return plain.removesuffix(".").lower()
