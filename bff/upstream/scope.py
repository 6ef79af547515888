"""What lives as long as one request: its clients, its batch loaders, its reads and the headers that go on with every call."""

from collections.abc import Callable, Hashable

from msgspec import Struct, field

from bff.upstream.call import Attempt, Headers, Trace
from bff.upstream.reads import Reads


class CallRecord(Struct):  # a Struct: made in C, without a frame, and there is one a call
    """One upstream call as it went: for waterfalls, traces and the access line. Times are monotonic seconds.

    `attempts` is the call's own list, filled while it is under way; a call that joined an equal one has none.
    """

    service: str
    method: str
    target: str
    started: float
    section: str = ""  # who asked, by the key of its section or field
    attempts: list[Attempt] = field(default_factory=list)
    ended: float = 0.0
    result: str = "cancelled"
    span_id: str = ""  # made by who writes the span: no backend hears of it, its attempts have their own


class RequestScope(Struct):
    """Shared by all sections of one request and by nobody else, so nothing of one caller can reach another."""

    headers: Headers = ()
    loaders: dict[Hashable, object] = field(default_factory=dict)
    records: list[CallRecord] = field(default_factory=list)
    trace: Trace | None = None  # goes into every call
    repeated: bool = False  # the caller sends this request again itself: no call of it is sent twice, or retries multiply
    reads: Reads = field(default_factory=dict)
    changes: bool = False  # an action's: nothing that was read before a write of it need hold after it
    tell: Callable[[str], Headers] | None = None  # a service's name -> what it is told of the caller; None: no service is
