"""What lives as long as one request: its clients, its batch loaders and the headers that go on with every call."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from bff.upstream.call import Headers


@dataclass(slots=True)
class CallRecord:
    """One upstream call as it went: for waterfalls and the access line. Times are monotonic seconds."""

    service: str
    method: str
    target: str
    started: float
    ended: float = 0.0
    result: str = "cancelled"


@dataclass(slots=True)
class RequestScope:
    """Shared by all sections of one request and by nobody else, so nothing of one caller can reach another."""

    headers: Headers = ()
    loaders: dict[Hashable, object] = field(default_factory=dict)
    records: list[CallRecord] = field(default_factory=list)
