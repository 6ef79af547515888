"""Where a request stands in its client's trace (W3C Trace Context), read strictly: what is odd counts as absent."""

import re
from typing import NamedTuple

# Section 3.2: version ff and ids of zeroes are invalid; a later version may have more behind a hyphen, version 00 may not.
_PARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})"
    r"-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-[!-~]*)?\Z"
)
# Section 3.3: up to 32 members, `key=value`; 512 characters are what everyone must pass on and what we do.
_MEMBER = r"[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_STATE = re.compile(rf"{_MEMBER}(?:[ \t]*,[ \t]*{_MEMBER}){{0,31}}\Z")
_LONGEST_STATE = 512
_LONGEST_PARENT = 512

SAMPLED = 1


class Parent(NamedTuple):
    """The client's span and what it says of it."""

    trace_id: str
    span_id: str
    sampled: bool


def read(traceparent: str | None) -> Parent | None:
    """The parent, or None when there is none or it is malformed (S071): then the request begins a trace of its own."""
    if traceparent is None or len(traceparent) > _LONGEST_PARENT:
        return None
    found = _PARENT.match(traceparent)
    if found is None or (found["version"] == "00" and found["more"]):
        return None
    return Parent(found["trace"], found["span"], bool(int(found["flags"], 16) & SAMPLED))


def read_state(tracestate: str | None) -> str:
    """`tracestate` as it came, or nothing of it when any part of it is malformed."""
    if not tracestate or len(tracestate) > _LONGEST_STATE or not _STATE.match(tracestate):
        return ""
    return tracestate
