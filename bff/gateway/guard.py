"""The outermost stage: what no part behind it should have to read. Refuses, never mends."""

import re
from collections.abc import Iterable
from functools import lru_cache

from bff.faces.problems import Problem
from bff.gateway.request import Request
from bff.settings import LimitSettings

# The raw path, before any decoding (reliability-security.md 2.10): encoded slashes, backslashes, percent signs and NUL,
# matrix parameters, dot segments, empty segments and bytes that are not visible ASCII (Latin-1 or UTF-8?) have one
# meaning here and may have another at a backend.
_AMBIGUOUS = re.compile(rb"(?i)%2f|%5c|%00|%25|[;\\\x00-\x20\x7f-\xff]|//|/\.{1,2}(/|$)|/(%2e|\.)(%2e|\.)?(/|$)")

# RFC 3986 section 2: visible ASCII and no fragment; wider than its grammar, since browsers leave quotes and braces as they are.
_QUERY = re.compile(rb"[!-\x22$-~]*")
# RFC 9110 section 7.2: a name or an address, and a port; `_` because container names have it. No user, no path.
_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
# More digits than any length has; int() itself refuses to read thousands of them.
_MAX_DIGITS = 15
# Most requests are for a few paths of one host: looking them over again would be 2 us of each. A head has 16 KB at most
# (design.md 6.1), so what is kept has 4 MB.
_KEPT = 256


@lru_cache(maxsize=_KEPT)
def _is_ambiguous(path: bytes) -> bool:
    return _AMBIGUOUS.search(path) is not None


@lru_cache(maxsize=_KEPT)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


class Guard:
    """What holds for every request, whatever it asks for. `hosts` are the names we are called by; "*" is any."""

    def __init__(self, limits: LimitSettings, hosts: Iterable[str] = ("*",)) -> None:
        self._limits = limits
        self._hosts = frozenset(hosts)

    def check(self, request: Request) -> None:
        """Raise a Problem for a request that is malformed or larger than any request has a reason to be."""
        _check(request, self._limits)


def _check(request: Request, limits: LimitSettings) -> None:
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    if _is_ambiguous(raw_path.partition(b"?")[0]):
        raise Problem("bad-request", "the path has a part that could be read in two ways; write it plainly")
    query: bytes = request.scope["query_string"]
    if query and not _QUERY.fullmatch(query):
        raise Problem("bad-request", "the query has a character that must be percent-encoded")
    if len(query) > limits.max_query:
        raise Problem("uri-too-long", f"the query is longer than {limits.max_query} bytes")
    hosts = 0
    for name, value in request.raw_headers:
        if name == b"host":
            hosts += 1
            if not _is_host(value):
                raise Problem("bad-request", "the Host header is not a name and a port")
        elif name == b"content-length":
            if not value.isdigit():
                raise Problem("bad-request", "the Content-Length is not a number")
            if len(value) > _MAX_DIGITS or int(value) > limits.max_body:
                raise Problem("too-large", f"the body is larger than {limits.max_body} bytes")
        elif b"_" in name:  # some servers read it as a hyphen: a twin of a header that was checked
            raise Problem("bad-request", "a header's name has an underscore")
    if hosts != 1:
        raise Problem("bad-request", "send exactly one Host header")
