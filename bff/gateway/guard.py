"""The outermost stage: what no part behind it should have to read. It refuses what has two meanings, takes away what only
our own side may say, and mends nothing."""

import logging
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

from bff.faces.answer import Headers
from bff.faces.problems import Problem
from bff.gateway.address import Proxies, normal
from bff.gateway.header_rules import PLAIN, READ, Rule, rule_of
from bff.gateway.host import ANY, Hosts, Verdict
from bff.gateway.request import Request
from bff.settings import LimitSettings

_log = logging.getLogger("bff")

# The raw path, before any decoding (reliability-security.md 2.10): encoded slashes, backslashes, percent signs and NUL,
# matrix parameters, dot segments, empty segments and bytes that are not visible ASCII (Latin-1 or UTF-8?) have one
# meaning here and may have another at a backend.
AMBIGUOUS = re.compile(rb"(?i)%2f|%5c|%00|%25|[;\\\x00-\x20\x7f-\xff]|//|/\.{1,2}(/|$)|/(%2e|\.)(%2e|\.)?(/|$)")
# RFC 3986 section 2: visible ASCII and no fragment; wider than its grammar, since browsers leave quotes and braces as they are.
_QUERY = re.compile(rb"[!-\x22$-~]*")
# More digits than any length has; int() itself refuses to read thousands of them.
_MAX_DIGITS = 15
# Most requests are for a few paths: looking one over again would be 1 us. A head has 16 KB at most, so what is kept has 4 MB.
_KEPT = 256
# Granian has both limits as well (431 by itself, tests/server/test_granian.py); a front that is not Granian may not.
MOST_HEADERS = 100
LARGEST_HEAD = 16 * 1024

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
# What follows on the connection may be the rest of what was refused (S088).
_CLOSE: Headers = [(b"connection", b"close")]
# Nothing is named by them: what a client says of every connection of its own.
_PLAIN_CONNECTION = frozenset(
    {b"keep-alive", b"close", b"Keep-Alive", b"Close", b"upgrade", b"Upgrade", b"keep-alive, Upgrade"}
)
# By names of this module: an attribute of an enumeration costs 30 ns each time.
_HOST, _LENGTH, _CODING, _CONNECTION, _DROP = Rule.HOST, Rule.LENGTH, Rule.CODING, Rule.CONNECTION, Rule.DROP


@lru_cache(maxsize=_KEPT)
def _is_ambiguous(path: bytes) -> bool:
    return AMBIGUOUS.search(path.partition(b"?")[0]) is not None


class Guard:
    """What holds for every request, whatever it asks for. `hosts` are the names we are called by; "*" is any."""

    def __init__(self, limits: LimitSettings, hosts: Iterable[str] = (ANY,), proxies: Proxies | None = None) -> None:
        self._limits = limits
        self._host = Hosts(hosts).verdict
        self._proxies = proxies or Proxies()
        self._warned = False

    def check(self, request: Request) -> None:
        """Raise a Problem for a request that is malformed or larger than any request has a reason to be.

        Sets `request.address`. Behind it, `scope["scheme"]` is what the client used, as far as proxies of ours tell it, and
        `scope["headers"]` has nothing that only our own side may say (header_rules.INTERNAL).
        """
        scope = request.scope
        client = scope.get("client")
        peer = client[0] if client else ""
        trusted = self._proxies.any and self._proxies.trusts(peer)
        if trusted:
            request.address, secure = self._proxies.told(request.raw_headers, peer)
            if secure:
                scope["scheme"] = "https"
        else:
            request.address = normal(peer)
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if _is_ambiguous(raw_path):
            raise _malformed("the path has a part that could be read in two ways; write it plainly")
        query: bytes = scope["query_string"]
        if query:
            _check_query(query, self._limits.max_query)
        if self._check_headers(request):
            if not trusted:
                self._warn(request, peer)
            _take_away(request, trusted=trusted)

    def _warn(self, request: Request, peer: str) -> None:
        """Once: behind a proxy that is not named all clients are one address, and share what an address may."""
        if not self._warned and request.header(b"x-forwarded-for") is not None:
            self._warned = True
            _log.warning("X-Forwarded-For comes from %s; if that is a proxy of yours, name it in server.trusted_proxies", peer)

    def _check_headers(self, request: Request) -> bool:
        """Whether some are to be taken away."""
        headers = request.raw_headers
        if len(headers) > MOST_HEADERS:
            raise Problem("headers-too-large", f"there are more than {MOST_HEADERS} headers", headers=_CLOSE)
        odd = False
        hosts = lengths = codings = 0
        verdict: Verdict = "malformed"
        for name, value in headers:
            if name in PLAIN:  # most of them
                continue
            rule = READ.get(name) or rule_of(name)
            if rule is _HOST:
                hosts += 1
                verdict = self._host(value)
            elif rule is _LENGTH:
                lengths += 1
                _check_length(value, self._limits.max_body)
            elif rule is _CODING:
                codings += 1
                _check_coding(value, request)
            elif rule is _DROP or (rule is _CONNECTION and value not in _PLAIN_CONNECTION):
                odd = True
        if sum(map(len, chain.from_iterable(headers))) > LARGEST_HEAD:
            raise Problem("headers-too-large", f"the headers have more than {LARGEST_HEAD} bytes", headers=_CLOSE)
        if hosts != 1:
            raise _malformed("send exactly one Host header")
        if verdict != "ours":
            raise _not_ours(verdict)
        if lengths + codings > 1:
            raise _malformed("the body's length is told more than once")
        return odd


def _not_ours(verdict: Verdict) -> Problem:
    if verdict == "other":
        return Problem("misdirected", "this server has no such name", headers=_CLOSE)
    return _malformed("the Host header is not a name and a port")


def _check_query(query: bytes, most: int) -> None:
    if not _QUERY.fullmatch(query):
        raise _malformed("the query has a character that must be percent-encoded")
    if len(query) > most:
        raise Problem("uri-too-long", f"the query is longer than {most} bytes")


def _check_length(value: bytes, most: int) -> None:
    if not value.isdigit():
        raise _malformed("the Content-Length is not a number")
    if len(value) > _MAX_DIGITS or int(value) > most:
        raise Problem("too-large", f"the body is larger than {most} bytes", headers=_CLOSE)


def _check_coding(value: bytes, request: Request) -> None:
    """RFC 9112 section 6.1: what is not plainly chunked has a length that two readers may measure differently."""
    if value.lower() != b"chunked" or request.scope["http_version"] != "1.1":
        raise _malformed("the only Transfer-Encoding here is chunked, in HTTP/1.1")
    if request.method in _BODILESS:  # nobody reads it, so nobody would notice that it is broken (S084)
        raise _malformed(f"a {request.method} has no chunked body")


def _take_away(request: Request, *, trusted: bool) -> None:
    """Once, for the requests that have something to take away; a repetition is believed of a peer of ours alone."""
    kept: Headers = []
    named: set[bytes] = set()
    for pair in request.raw_headers:
        name = pair[0]
        if name not in PLAIN:
            rule = rule_of(name)
            if rule is _DROP:
                continue
            if rule is _CONNECTION and pair[1] not in _PLAIN_CONNECTION:
                named.update(option.strip().lower() for option in pair[1].split(b","))
        kept.append(pair)
    if named:
        # Of the plain ones no sender may say that they are about one connection (RFC 9110 section 7.6.1).
        named.difference_update(PLAIN, READ)
        kept = [pair for pair in kept if pair[0] not in named]
    if not trusted:
        request.work.repeated = False
    request.keep(kept)


def _malformed(detail: str) -> Problem:
    return Problem("bad-request", detail, headers=_CLOSE)
