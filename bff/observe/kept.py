"""What is kept of a request whose trace is exported: plain values, so that its clients and inputs can go."""

from collections.abc import Sequence
from dataclasses import dataclass

from bff.upstream.scope import CallRecord


@dataclass(slots=True)
class SectionTime:
    """One piece of work of a screen. Times are monotonic seconds; `ended` 0: it never ended.

    `status` is its verdict's, or how it ended where it has none: a computed fallback, a bug, what was cut with the screen.
    """

    screen: str
    key: str
    started: float
    ended: float
    status: str
    reason: str = ""


@dataclass(slots=True)
class KeptTrace:
    """One request. `wall` is its arrival in nanoseconds of wall time, `parent` the client's span id or ""."""

    trace_id: str
    parent: str
    request_id: str
    app: str
    template: str
    method: str
    status: int
    wall: int
    started: float
    ended: float
    sections: Sequence[SectionTime]
    calls: Sequence[CallRecord]
