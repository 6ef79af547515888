"""A Call as HTTP/1.1 request bytes. What would let a value become a header or a second request is refused here."""

import re
from typing import Final

from bff.upstream.call import Call
from bff.upstream.onward import HOP_MARGIN

# CONNECT is no request to a resource; anything else that a backend may want is added here.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# RFC 9112 section 3.2.1: origin form. A space or a control character would end the request line early, and a fragment is
# never sent.
_TARGET: Final = re.compile(r"/[!-\"$-~]*")
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
# How many headers are remembered, and how long one may be for that: the names that a program uses are few, a request's id
# goes to each of its backends, and a token that says who asks comes again for half a minute.
_KEPT: Final = 512
_LONGEST: Final = 2048

# What is stated for a call that does not state it itself. Each has a bit, each mix of bits its own opening.
# identity: inflating costs more CPU than the bytes it saves on a local network are worth.
_DEFAULTS: Final = (("user-agent", "thali"), ("accept", "*/*"), ("accept-encoding", "identity"))
_TIMEOUT: Final = 1 << len(_DEFAULTS)
_TRACE: Final = _TIMEOUT << 1
_MIXES: Final = _TRACE << 1
_BITS: Final = {name: 1 << place for place, (name, _) in enumerate(_DEFAULTS)} | {
    "request-timeout": _TIMEOUT,
    "traceparent": _TRACE,
}


class HeaderLines(dict[tuple[str, str], tuple[int, str]]):
    """What stands in the request for a header, and the bit of the default that it stands in place of, or 0.

    It is made, and the header checked, when it is first asked for. ValueError for one that could break out of its place,
    or that is the wire's own to set.
    """

    __slots__ = ()

    def __missing__(self, header: tuple[str, str]) -> tuple[int, str]:
        name, value = header
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"not a header name: {name!r}")
        if name.lower() in _OURS:
            raise ValueError(f"header {name} is the wire's own to set")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"header {name}: its value cannot be sent")
        found = _BITS.get(name.lower(), 0), f"{name}: {value}\r\n"
        if len(found[1]) <= _LONGEST:
            if len(self) >= _KEPT:
                self.clear()
            self[header] = found
        return found


# One for all instances, for the sake of what goes to several: looking a header up takes half of what checking it does.
LINES: Final = HeaderLines()


class RequestWriter:
    """Renders calls to one instance; what never changes is built once."""

    __slots__ = ("_openings",)

    def __init__(self, host: str) -> None:
        self._openings = tuple(_opening(host, stated) for stated in range(_MIXES))

    def render(self, call: Call, left: float, span_id: str = "") -> bytes:
        """The request, head and body in one piece, for an attempt that is sent with `left` seconds to go.

        ValueError (a fault in our program, never the backend's) when the method, target, a header name or a value could
        break out of its place, or when a header is one that the wire itself sets.
        """
        method, target, body = call.method, call.target, call.body
        if not _TARGET.fullmatch(target):
            raise ValueError(f"not a request target: {target!r}")
        if method not in _METHODS:
            raise ValueError(f"not a method that can be sent: {method!r}")
        stated, lines = 0, ""
        for header in call.headers:
            bit, line = LINES[header]
            stated |= bit
            lines += line
        if not stated & _TIMEOUT:
            milliseconds = int((left - HOP_MARGIN) * 1000)  # as onward.told
            lines += f"request-timeout: {milliseconds if milliseconds > 0 else 1}\r\n"
        trace = call.trace
        if trace is not None and not stated & _TRACE:
            trace_id, flags, state = trace
            parent = f"00-{trace_id}-{span_id}-{flags}"
            if not parent.isprintable() or not parent.isascii():
                raise ValueError("a trace that cannot be sent")
            lines += f"traceparent: {parent}\r\n"
            if state:
                lines += _state_line(state)
        if body or method in _BODY_METHODS:
            lines += f"content-length: {len(body)}\r\n"
        return f"{method} {target}{self._openings[stated]}{lines}\r\n".encode("latin-1") + body


def _state_line(state: str) -> str:
    if not state.isprintable() or not state.isascii():  # it came from outside
        raise ValueError("a trace that cannot be sent")
    return f"tracestate: {state}\r\n"


def _opening(host: str, stated: int) -> str:
    defaults = (f"{name}: {value}\r\n" for name, value in _DEFAULTS if not stated & _BITS[name])
    return f" HTTP/1.1\r\nhost: {host}\r\n{''.join(defaults)}"
