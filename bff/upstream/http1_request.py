"""A Call as HTTP/1.1 request bytes. What would let a value become a header or a second request is refused here."""

import re
from typing import Final

from bff.upstream.call import Call
from bff.upstream.onward import told, trace_headers

# CONNECT is no request to a resource; anything else that a backend may want is added here.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# RFC 9110 section 5.6.2: what a header name is made of.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 section 5.5: a value holds visible characters, spaces, tabs and (obs-text) the upper half of latin-1.
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# The wire frames the message and owns the connection; a caller that sets these would speak for it.
_OURS: Final = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
# RFC 9110 section 8.6: these mean something by a body, so an empty one is stated as Content-Length: 0.
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
# Names are checked once and remembered. Real callers use a dozen; the cap is for one that makes names up.
_NAMES_KEPT: Final = 256
# Looking a long value over costs 4 ns a character: 2 us for a token that says who asks, which comes again for half a minute.
_LONG: Final = 64
_VALUES_KEPT: Final = 256  # long ones that were found good, some 0.6 KB each


# What is stated for a call that does not state it itself. Each has a bit, each mix of the first bits its own opening.
# identity: inflating costs more CPU than the bytes it saves on a local network are worth.
_DEFAULTS: Final = (("user-agent", "thali"), ("accept", "*/*"), ("accept-encoding", "identity"))
_OPENINGS: Final = 1 << len(_DEFAULTS)
_TIMEOUT: Final = _OPENINGS
_TRACE: Final = _OPENINGS << 1
_BITS: Final = {name: 1 << place for place, (name, _) in enumerate(_DEFAULTS)} | {
    "request-timeout": _TIMEOUT,
    "traceparent": _TRACE,
}


class RequestWriter:
    """Renders calls to one instance; what never changes is built once."""

    __slots__ = ("_good", "_names", "_openings")

    def __init__(self, host: str) -> None:
        self._openings = tuple(_opening(host, stated) for stated in range(_OPENINGS))
        self._good: set[str] = set()
        self._names: dict[str, int] = {}  # a good name -> the bit of the default that it stands in place of, or 0

    def render(self, call: Call, left: float, span_id: str = "") -> bytes:
        """The request, head and body in one piece, for an attempt that is sent with `left` seconds to go.

        ValueError (a fault in our program, never the backend's) when the method, target, a header name or a value could
        break out of its place, or when a header is one that the wire itself sets.
        """
        method, target, body = call.method, call.target, call.body
        # RFC 9112 section 3.2.1: origin form. A space or a control character would end the request line early, and a
        # fragment is never sent.
        if target[:1] != "/" or not target.isascii() or not target.isprintable() or " " in target or "#" in target:
            raise ValueError(f"not a request target: {target!r}")
        if method not in _METHODS:
            raise ValueError(f"not a method that can be sent: {method!r}")
        stated, lines = 0, ""
        for name, value in call.headers:
            bit = self._names.get(name)
            if bit is None:
                bit = self._learn(name)
            stated |= bit
            # isprintable is the quick yes for nearly every value; the pattern decides on the rest.
            if len(value) >= _LONG:
                if value not in self._good:
                    self._check(name, value)
            elif not value.isprintable() and not _VALUE.fullmatch(value):
                raise ValueError(f"header {name}: its value cannot be sent")
            lines += f"{name}: {value}\r\n"
        if not stated & _TIMEOUT:
            lines += f"request-timeout: {told(left)}\r\n"
        if call.trace is not None and not stated & _TRACE:
            lines += _trace_lines(call, span_id)
        if body or method in _BODY_METHODS:
            lines += f"content-length: {len(body)}\r\n"
        return f"{method} {target}{self._openings[stated % _OPENINGS]}{lines}\r\n".encode("latin-1") + body

    def _check(self, name: str, value: str) -> None:
        """A long value, once."""
        if not value.isprintable() and not _VALUE.fullmatch(value):
            raise ValueError(f"header {name}: its value cannot be sent")
        if len(self._good) >= _VALUES_KEPT:
            self._good.clear()
        self._good.add(value)

    def _learn(self, name: str) -> int:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"not a header name: {name!r}")
        if name.lower() in _OURS:
            raise ValueError(f"header {name} is the wire's own to set")
        bit = _BITS.get(name.lower(), 0)
        if len(self._names) < _NAMES_KEPT:
            self._names[name] = bit
        return bit


def _trace_lines(call: Call, span_id: str) -> str:
    headers = trace_headers(call, span_id)
    if not all(value.isprintable() and value.isascii() for _, value in headers):  # `tracestate` came from outside
        raise ValueError("a trace that cannot be sent")
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


def _opening(host: str, stated: int) -> str:
    defaults = (f"{name}: {value}\r\n" for name, value in _DEFAULTS if not stated & _BITS[name])
    return f" HTTP/1.1\r\nhost: {host}\r\n{''.join(defaults)}"
