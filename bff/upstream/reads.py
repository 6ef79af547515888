"""The same read once in a request: equal plain GETs of its sections are one call, while it is in flight and after it.

The first one who asks sends the call, in its own task and under its own deadline; the others wait beside it. Nothing is
spent on the many reads that nobody repeats: no task, no future, no timer.
"""

import asyncio
from collections.abc import Hashable
from typing import Final

from msgspec import Struct

from bff.deadline import LOOP_CLOCK, Deadline
from bff.errors import BackendError, BackendTimeout, Hopeless
from bff.upstream.call import Reply

# A deadline that is this little (seconds) later is the same one: two sections of a screen start microseconds apart.
_SLACK: Final = 0.005

# An answer, what was raised in its place, or None: the call was cut, so whoever still wants it asks for it.
_End = Reply | BackendError | None


class Read(Struct):
    """One read: under way, or answered. What stands in `RequestScope.reads` is one of these two."""

    service: str
    deadline: Deadline
    reply: Reply | None = None  # a good answer, for all who ask later
    waiting: list[asyncio.Future[_End]] | None = None

    def end(self, reads: "Reads", key: Hashable, end: _End) -> None:
        """It is over, in whatever way. Only a good answer is kept: after a failure the next one asks again."""
        if isinstance(end, Reply) and 200 <= end.status < 300:
            self.reply = end
        elif reads.get(key) is self:  # first, so that who is told finds it gone
            del reads[key]
        told, self.waiting = self.waiting, None  # not kept: an error's traceback has the frame that has this read
        for waiting in told or ():
            _give(waiting, end)

    async def wait(self, deadline: Deadline) -> _End:
        """What it brings; None when it was cut, or ran out of time before the one who waits has."""
        waiting: asyncio.Future[_End] = asyncio.get_running_loop().create_future()
        if self.waiting is None:
            self.waiting = []
        self.waiting.append(waiting)
        late = BackendTimeout(self.service, "its time was up while an equal call was under way")
        timer = LOOP_CLOCK.call_at(deadline.at, _give, waiting, late)
        try:
            end = await waiting
        finally:
            timer.cancel()
        if isinstance(end, BackendTimeout | Hopeless) and self._outlived_by(deadline):
            return None
        return end

    def _outlived_by(self, deadline: Deadline) -> bool:
        return deadline.at - self.deadline.at > _SLACK and deadline.left() > _SLACK


def _give(waiting: "asyncio.Future[_End]", end: _End) -> None:
    if not waiting.done():
        waiting.set_result(end)


Reads = dict[Hashable, Read]


async def answered(reads: Reads, key: Hashable, deadline: Deadline) -> Reply | None:
    """The answer of an equal read, its error as it came; None when there is none to be had: the call is to be sent."""
    while (read := reads.get(key)) is not None:
        end = read.reply or await read.wait(deadline)
        if isinstance(end, BackendError):
            try:
                raise end
            finally:
                del end, read  # its traceback has this frame: a circle for each failure
        if end is not None:
            return end
    return None


def forget(reads: Reads, service: str) -> None:
    """Drop what was read of a service that was written to: it may not be so any more."""
    for key in [key for key, read in reads.items() if read.service == service]:
        del reads[key]
