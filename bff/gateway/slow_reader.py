"""A long answer to a client that reads slowly, or not at all (F46): it waits in parts, not for ever, and in bounded room.

Granian takes any body at once and holds what the kernel does not; of a body in parts it holds about seven before its `send`
waits until there is room. So the first parts are small, and they grow as long as nobody waits for them.
"""

import asyncio
from typing import Final

from starlette.types import Send

from bff.deadline import LOOP_CLOCK, Clock, Timer
from bff.gateway.body import ClientGone
from bff.gateway.request import Request
from bff.server.shutter import SHUT

# An answer up to this goes whole, as screens do, and no part is larger: the kernel takes as much from any connection.
PART: Final = 64 * 1024
# The parts that begin an answer, and those of a slow reader. A client that takes nothing then costs 78 KB in Granian, its
# connection included, and 501 KB with parts of 64 KB (measured). What they cost more is 0.9 ms of CPU for 512 KB.
SMALL: Final = 8 * 1024
# Bytes after which a part that is taken at once tells of the client: before, the kernel may have taken them (it takes 100 KB,
# and 500 KB of one in five on a loopback).
START: Final = 512 * 1024
# Parts that the server holds of an answer that it cannot write, on their way from us to the kernel.
AHEAD: Final = 7
# Seconds within which a part is taken at once: whoever waits longer has a client that is behind.
AT_ONCE: Final = 0.01
# Seconds for one part: 300 B/s, below which nobody loads a picture. nginx's send_timeout is 60 s between two writes.
PART_TIMEOUT: Final = 30.0
# Seconds that one part waits before its answer counts as parked: longer than a lost packet is sent again, twice (RFC 6298).
PARKED_AFTER: Final = 1.0
# Bytes that a worker's parked answers may hold together, so that 500 slow clients cost no more than the 32 MB that are 64 KB
# each (F46): the rest is for their connections, and for answers of the last two seconds, not parked yet or not closed yet.
MOST_PARKED: Final = 12 * 1024 * 1024


class Parked:
    """The answers of one worker that wait for slow readers. `held` is their bytes, at most `most` after each call."""

    def __init__(self, most: int = MOST_PARKED, clock: Clock = LOOP_CLOCK) -> None:
        self.held = 0
        self.clock = clock
        self._most = most
        self._answers: dict[_Waiting, None] = {}  # in the order in which they were parked

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, answer: "_Waiting") -> None:
        """Count it; if that is too much, the slowest are given up: of those as slow the one parked longest, the newest last."""
        self._answers[answer] = None
        self.held += answer.holds
        now = self.clock.now()
        while self.held > self._most:
            slowest = min(self._answers, key=lambda parked: parked.pace(now))
            self.leave(slowest)
            slowest.give_up()

    def leave(self, answer: "_Waiting") -> None:
        if answer in self._answers:
            del self._answers[answer]
            self.held -= answer.holds

    def shrunk(self, by: int) -> None:
        """A parked answer let go of so many bytes."""
        self.held -= by


PARKED: Final = Parked()  # a worker is a process


class Body:
    """A body on its way out: it lets go of what was taken. Who makes one keeps no other reference to the bytes."""

    __slots__ = ("_bytes", "_start")

    def __init__(self, body: bytes) -> None:
        self._bytes = body
        self._start = 0

    def __len__(self) -> int:
        return len(self._bytes) - self._start

    @property
    def held(self) -> int:
        return len(self._bytes)

    def take(self, most: int) -> bytes:
        start = self._start
        self._start = min(start + most, len(self._bytes))
        return self._bytes[start : self._start]

    def let_go(self) -> int:
        """Free what was taken, once that is half; the bytes that are held no longer.

        A bytes object is freed whole or not at all, and one copy is one block that goes back to the system, where small
        ones would stay in the heap.
        """
        taken = self._start
        if taken * 2 < len(self._bytes):
            return 0
        self._bytes = self._bytes[taken:]
        self._start = 0
        return taken


class _Waiting:
    """How far an answer is. `holds` is what it counts for while it is parked."""

    __slots__ = ("_body", "_clock", "_parked", "_since", "_taken", "_timer", "_within", "holds", "over", "scope", "size")

    def __init__(self, body: Body, parked: Parked, within: float, scope: asyncio.Timeout) -> None:
        self.holds = 0
        self.over = False
        self.scope = scope
        self.size = SMALL  # of the next part
        self._body, self._parked, self._within = body, parked, within
        self._clock = parked.clock
        self._since: float | None = None  # when the part was offered that was not taken
        self._taken = 0  # bytes since then
        self._timer: Timer | None = None

    def offered(self, now: float) -> None:
        """A part is on offer from `now` on."""
        if self._since is None:
            self._timer = self._clock.call_at(now + min(PARKED_AFTER, self._within), self._park, now)
        else:
            self._timer = self._clock.call_at(now + self._within, self.give_up)

    def took(self, size: int) -> None:
        """The part was taken, of so many bytes."""
        self.stop()
        if self._since is not None:
            self._taken += size
            if (freed := self._body.let_go()) and not self.over:
                self.holds -= freed
                self._parked.shrunk(freed)

    def pace(self, now: float) -> float:
        """Bytes a second since it was not taken; the part on offer counts, so that who has only just come is not slowest."""
        assert self._since is not None
        return (self._taken + SMALL) / max(now - self._since, PARKED_AFTER)

    def give_up(self) -> None:
        """Whatever waits for its client waits no longer."""
        self.over = True
        self.scope.reschedule(0.0)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _park(self, offered: float) -> None:
        self._since = offered
        self._timer = self._clock.call_at(offered + self._within, self.give_up)
        self._body.let_go()
        self.holds = self._body.held + AHEAD * self.size
        self._parked.add(self)


async def in_parts(request: Request, body: Body, send: Send, within: float = PART_TIMEOUT, parked: Parked = PARKED) -> None:
    """Send the body of an answer that has begun; it is empty afterwards.

    Raises ClientGone when a part is not taken within so many seconds, or when it was parked and others needed its room more;
    its connection is closed soon after, whatever it holds.
    """
    clock = parked.clock
    try:
        async with asyncio.timeout(None) as scope:
            answer = _Waiting(body, parked, within, scope)
            try:
                await _send(body, send, answer, clock)
            finally:
                answer.stop()
                parked.leave(answer)
    except TimeoutError:
        request.refused = "reads too slowly"
        if (shut := request.scope.get(SHUT)) is not None:
            shut(request.scope["client"])
        raise ClientGone from None


async def _send(body: Body, send: Send, answer: _Waiting, clock: Clock) -> None:
    sent = 0
    while body:
        part = body.take(answer.size)
        offered = clock.now()
        answer.offered(offered)
        await send({"type": "http.response.body", "body": part, "more_body": bool(body)})
        answer.took(len(part))
        sent += len(part)
        if clock.now() - offered > AT_ONCE:
            answer.size = SMALL
        elif sent >= START:
            answer.size = min(answer.size * 2, PART)
