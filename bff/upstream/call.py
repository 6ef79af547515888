"""The one port to backends: `send(Call) -> Reply`. The wire implements it, every layer of the pipe wraps it."""

from dataclasses import dataclass, field
from typing import Protocol

from bff.deadline import Deadline

Headers = tuple[tuple[str, str], ...]

# RFC 9110 section 9.2.1 (safe) and 9.2.2 (idempotent): what may be sent again without being asked.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Call:
    """One request to a service, transport-free.

    `target` is the raw path with its query (for gRPC the method's full name, `/package.Service/Method`).
    `deadline` is absolute and never None on the wire: the client sets it from the section's deadline and the service's
    own total timeout, whichever is earlier.
    """

    service: str
    method: str
    target: str
    deadline: Deadline
    headers: Headers = ()
    body: bytes = b""
    idempotent: bool = False  # safe to send twice although the method is not (an Idempotency-Key is in `headers`)

    @property
    def repeatable(self) -> bool:
        return self.idempotent or self.method in SAFE_METHODS


@dataclass(slots=True)
class Reply:
    """A whole answer: the body has been read and is within the service's cap. Header names are lower case."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    instance: str = ""  # host:port that answered

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header (lower-case name), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Sender(Protocol):
    """What wires and layers have in common.

    `send` returns a whole Reply whatever its status, or raises BackendTimeout, BackendUnreachable, BackendInvalid or
    BackendBusy. When the awaiting task is cancelled the call is over at once: its connection is closed, nothing runs on.
    """

    async def send(self, call: Call) -> Reply: ...

    async def close(self) -> None: ...
