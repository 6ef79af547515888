"""What can go wrong with a scripted backend, and how each wrong answer is written to the wire."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["latency", "status", "hang", "reset", "reset_midway", "drip", "truncate", "malformed", "close_idle", "raw"]

DRIP_TICK = 0.05  # seconds between two pieces of a drip faster than 20 bytes a second; slower ones go byte by byte


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave, applied to every call it stands over.

    latency       answer well, `ms` late (any other kind waits `ms` first too)
    status        answer `status` with `headers`, and Retry-After when `retry_after` (seconds) is given
    hang          read the request and never answer, until the peer goes or the service closes; healing does not end it
    reset         RST after the request was read, before any byte
    reset_midway  RST after the head and half the body
    drip          the head, then the body at `bytes_per_second`
    truncate      Content-Length of the whole, half the body, then FIN
    malformed     200 with a body that is no JSON, rightly framed
    close_idle    a good keep-alive answer, then FIN: it leaves a stale connection in the caller's pool
    raw           the bytes of `raw` as they are, then FIN: for framing that no honest server writes
    """

    kind: Kind
    ms: int = 0
    status: int = 500
    bytes_per_second: int = 1
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes = b""
    retry_after: float | None = None

    def reply_headers(self) -> tuple[tuple[str, str], ...]:
        """`headers` with Retry-After added, which is whole seconds on the wire."""
        if self.retry_after is None:
            return self.headers
        return (*self.headers, ("Retry-After", str(math.ceil(self.retry_after))))


class Wire(Protocol):
    """The one connection a fault is played on."""

    def write(self, data: bytes) -> None: ...
    async def drained(self) -> None:
        """Return once everything written is in the kernel's hands."""
        ...

    def close(self) -> None: ...
    def reset(self) -> None: ...


async def play(fault: Fault, wire: Wire, answer: Callable[[], Awaitable[tuple[bytes, bytes]]]) -> None:
    """Write the answer as `fault` has it. `answer` gives head and body, and is asked only if some of it is written."""
    if fault.ms:
        await asyncio.sleep(fault.ms / 1000)
    if fault.kind == "hang":
        await asyncio.get_running_loop().create_future()  # ends by cancellation only: the connection's end
    if fault.kind == "reset":
        wire.reset()
        return
    if fault.kind == "raw":
        wire.write(fault.raw)
        wire.close()
        return
    head, body = await answer()
    await _play_answered(fault, wire, head, body)


async def _play_answered(fault: Fault, wire: Wire, head: bytes, body: bytes) -> None:
    match fault.kind:
        case "reset_midway":
            wire.write(head + body[: len(body) // 2])
            await wire.drained()  # else the reset would throw away what the peer should have seen
            wire.reset()
        case "truncate":
            wire.write(head + body[: len(body) // 2])
            wire.close()
        case "drip":
            wire.write(head)
            await _drip(wire, body, fault.bytes_per_second)
        case "close_idle":
            wire.write(head + body)
            wire.close()
        case _:  # latency, status, malformed: whole answers
            wire.write(head + body)
            await wire.drained()


async def _drip(wire: Wire, body: bytes, bytes_per_second: int) -> None:
    piece = max(1, int(bytes_per_second * DRIP_TICK))
    for start in range(0, len(body), piece):
        await asyncio.sleep(piece / bytes_per_second)
        wire.write(body[start : start + piece])
    await wire.drained()
