"""The one port to backends: `send(Call) -> Reply`. Every layer of the pipe has it and wraps another; wires stand at its end."""

from collections.abc import Callable, Coroutine
from typing import Any, Literal, NamedTuple, Protocol

from msgspec import Struct, field

from bff.deadline import Deadline
from bff.upstream.http1_head import headers_of

Headers = tuple[tuple[str, str], ...]
AttemptKind = Literal["first", "retry", "hedge"]

# The header by which a request says how many attempts of it came before. What says so is sent once by whoever it reaches:
# layers of retries would multiply. In from our callers, out with every attempt that is not the first.
ATTEMPT = "x-attempt"

# RFC 9110 section 9.2.1 (safe) and 9.2.2 (idempotent): what may be sent again without being asked.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Trace(NamedTuple):  # one a request: a frozen dataclass is three times as dear to make
    """The request's place in a W3C trace: every attempt of it goes on under `trace_id` with a span id of its own."""

    trace_id: str  # 32 hex digits
    flags: str = "00"  # "01" when it is sampled
    state: str = ""  # `tracestate`, passed on as it came


# An attempt, a call and a reply are Structs: made in C. The frame of a dataclass's `__init__` and its 50 bytecodes would be
# paid with each.


class Attempt(Struct):
    """One sending of a call to one instance. Times are monotonic seconds; `result` is a status or a BackendError's reason.

    `sent` is as BackendError has it: False when it certainly did not reach the instance.
    """

    instance: str  # host:port
    kind: AttemptKind
    started: float
    span_id: str = ""  # 16 hex digits, when the call is traced
    ended: float = 0.0
    result: str = "cancelled"
    sent: bool = True


class CallPolicy(NamedTuple):  # hashed with each key of a batch, so a tuple, whose hash and equality cost nothing
    """What one call asks for besides its service's settings; None: as the service has it."""

    timeout: float | None = None  # seconds in all, attempts and waits included; in place of the service's own
    retry: bool | None = None  # False: sent once, so not hedged either
    hedge: bool = False  # a second attempt may be sent while the first one is slow; for reads that bear it
    shared: bool = False  # equal reads of different requests in flight are one call; never carries a caller's identity

    def but(self, timeout: float | None, retry: bool | None, hedge: bool | None, shared: bool | None) -> "CallPolicy":
        """This one with what is given in place of its own. ValueError for a timeout in which nothing could be done."""
        if timeout is not None and timeout <= 0:
            raise ValueError(f"a call with timeout={timeout} could never be made; give seconds above 0")
        return CallPolicy(
            self.timeout if timeout is None else timeout,
            self.retry if retry is None else retry,
            self.hedge if hedge is None else hedge,
            self.shared if shared is None else shared,
        )

    def once(self) -> "CallPolicy":
        """This one for a request that its caller sends again by itself."""
        return self._replace(retry=False, hedge=False)


PLAIN = CallPolicy()


class Call(Struct):
    """One request to a service, transport-free.

    `target` is the raw path with its query (for gRPC the method's full name, `/package.Service/Method`).
    `deadline` is absolute and never None on the wire: the client sets it from the section's deadline and the service's
    own total timeout, whichever is earlier. `decode` makes the value of a 2xx answer's body; its BackendInvalid is the
    service's failure like any other, so breaker, ejection and metrics see it.
    """

    service: str
    method: str
    target: str
    deadline: Deadline
    headers: Headers = ()
    body: bytes = b""
    idempotent: bool = False  # safe to send twice although the method is not (an Idempotency-Key is in `headers`)
    decode: Callable[[bytes], object] | None = None
    policy: CallPolicy = PLAIN
    trace: Trace | None = None
    attempts: list[Attempt] = field(default_factory=list)  # every sending so far, the layers below add to it
    trial: bool = False  # its breaker tries the service with it: one attempt, no hedge
    kind: AttemptKind = "first"  # of the attempt that it is sent for next; an extra one is a copy that shares `attempts`

    @property
    def repeatable(self) -> bool:
        return self.idempotent or self.method in SAFE_METHODS


class Reply(Struct, eq=False):
    """A whole answer: the body has been read and is within the service's cap. Header names are lower case.

    `instance` is the host:port that answered, `value` what a 2xx answer was decoded to when its call said how. Its headers
    may be given as the raw head of an HTTP/1.1 answer: it is taken apart when somebody asks, and most never do.
    """

    status: int
    _headers: list[tuple[bytes, bytes]] | bytes = b""
    body: bytes = b""
    instance: str = ""
    value: object = None

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes, {self.instance!r})"

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        if isinstance(self._headers, bytes):
            self._headers = headers_of(self._headers)
        return self._headers

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header (lower-case name), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Sender(Protocol):
    """What the layers have in common.

    `send` returns a whole Reply whatever its status, or raises BackendTimeout, BackendUnreachable, BackendInvalid or
    BackendBusy. When the awaiting task is cancelled the call is over at once: its connection is closed, nothing runs on.
    """

    def send(self, call: Call) -> Coroutine[Any, Any, Reply]: ...

    async def close(self) -> None: ...


class Wire(Protocol):
    """The connections to one instance. `send` is as a layer's; the attempt's span id goes on as `traceparent`."""

    async def send(self, call: Call, attempt: Attempt) -> Reply: ...

    async def close(self) -> None: ...
