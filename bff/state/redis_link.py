"""One connection to one Redis: what is asked in one turn of the loop goes out in one write, and answers come in order.

The link's own task makes the connection, and makes it again; no caller does, and none reads. So a caller that goes away
takes nothing with it: its answer is read in its place and dropped, and no other gets it. What cannot be trusted any more
(an answer that is late, an answer too many) is never read on: the connection is dropped.

The breaker is the connection: while there is none, a command fails at once. It opens with the first connection that
breaks or is silent for the whole budget of a command, because who waits next would wait as long; a healthy Redis is back
after one round trip. The trial is the making of the connection and a first question within a command's budget, behind
the requests, which pay for none.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from hiredis import pack_command
from redis.exceptions import RedisError, ResponseError

from bff.deadline import LOOP_CLOCK, Clock, Timer, sleep
from bff.state.redis_figures import Figures
from bff.state.redis_wire import PlainConnection, Reply, Wire
from bff.state.store import StateUnavailable

Word: TypeAlias = bytes | str | int | float
Dial: TypeAlias = Callable[[], Awaitable[PlainConnection]]  # a connection that has answered; raises RedisError or OSError

# Commands that may wait for their answers: at 30 ms each this is 33,000 a second, more than one Redis does of ours.
MOST: Final = 1000

# Seconds between tries, the first at once: short enough that a failover of 1 s is over after 2 (F31), and a fleet of a
# hundred instances asks a Redis that comes up only two hundred times a second.
_PAUSE: Final = (0.05, 0.5)
_JITTER: Final = 0.2
_SOUND: Final = 1.0  # a connection that lived so long was a good one: the next is tried at once

# Seconds without traffic after which Redis is asked how it is, so that it is not a request that finds it gone.
IDLE: Final = 5.0

# A timer that rings so much too late says that our own loop was blocked, perhaps before the command was even written:
# then it has this share of its budget once more.
_LATE: Final = 0.005
_GRACE: Final = 0.5

# Errors of a server that cannot serve now, also inside a script's: it is a replica since a failover, or reads its data.
_ELSEWHERE: Final = ("READONLY", "LOADING")


class _Asked(NamedTuple):
    answer: "asyncio.Future[Reply]"
    at: float
    due: float


class Link:
    """Commands to the server that `dial` reaches, each answered within `budget` seconds or not at all.

    `name` stands in figures and errors; `lost` is called after each connection that was given up or could not be made.
    """

    def __init__(
        self,
        name: str,
        dial: Dial,
        budget: float,
        figures: Figures,
        *,
        clock: Clock = LOOP_CLOCK,
        draw: Callable[[], float] = random.random,
        lost: Callable[[], None] = lambda: None,
        idle: float = IDLE,
    ) -> None:
        self.name = name
        self._dial, self._budget, self._figures, self._idle = dial, budget, figures, idle
        self._clock, self._draw, self._lost = clock, draw, lost
        self._asked: deque[_Asked] = deque()  # in the order of their answers; the last `len(_out)` are not sent yet
        self._out: list[bytes] = []
        self._wire: Wire | None = None
        self._why = ""  # there is no connection; "" also while the first one is made, which commands may wait for
        self._life: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[None] | None = None  # of the connection that is in use
        self._timer: Timer | None = None
        self._rings = 0.0
        self._heard = 0.0
        self._closed = False

    @property
    def up(self) -> bool:
        """Whether there is a connection."""
        return self._wire is not None

    def open(self) -> None:
        """Begin to make the connection, if nobody has yet."""
        if self._life is None and not self._closed:
            self._figures.states[self.name] = "half_open"
            self._life = asyncio.get_running_loop().create_task(self._live(), name=f"redis {self.name}")

    def ask(self, words: Sequence[Word], due: float) -> "asyncio.Future[Reply]":
        """The answer; an error of Redis's is one too. Raises StateUnavailable, or the future does, by `due` at the latest."""
        wire = self._wire
        if wire is None:
            if self._why or self._closed:
                self._figures.refused += 1
                raise StateUnavailable(f"Redis at {self.name}: {self._why or 'closed'}")
            self.open()
        if len(self._asked) >= MOST or (wire is not None and wire.full):
            self._figures.refused += 1
            raise StateUnavailable(f"Redis at {self.name}: {len(self._asked)} commands wait already")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        if not self._out:
            loop.call_soon(self._flush)
        self._out.append(pack_command(tuple(words)))  # type: ignore[arg-type]  # its stub says a tuple of one
        self._asked.append(_Asked(answer, self._clock.now(), due))
        if self._timer is None or due < self._rings:
            self._ring_at(due)
        return answer

    async def close(self) -> None:
        """Drop the connection for good. Who waits is told at once."""
        self._closed = True
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            await asyncio.wait([life])
        self._drop("closed")
        self._figures.states.pop(self.name, None)

    # The link's own task.

    async def _live(self) -> None:
        least, most = _PAUSE
        pause = 0.0
        while True:
            began = self._clock.now()
            try:
                connection = await self._dial()
            except (RedisError, OSError) as error:
                self._drop(f"cannot be reached: {error or type(error).__name__}")
            else:
                await self._serve(connection)
            self._lost()
            if self._clock.now() - began >= _SOUND:
                pause = 0.0
            if pause:
                await sleep(pause * (1 + _JITTER * (2 * self._draw() - 1)), self._clock)
            pause = min(max(2 * pause, least), most)
            self._figures.states[self.name] = "half_open"

    async def _serve(self, connection: PlainConnection) -> None:
        """Be up until the connection is given up."""
        ended = self._ended = asyncio.get_running_loop().create_future()
        wire = self._wire = Wire(connection, self._replied, self._drop)
        self._why = ""
        self._heard = self._clock.now()
        self._figures.connections += 1
        self._figures.states[self.name] = "closed"
        self._flush()
        try:
            while not ended.done():
                await asyncio.wait([ended], timeout=self._idle)
                self._look()
        finally:
            await wire.close()

    def _look(self) -> None:
        """Say something where nobody else does."""
        now, wire = self._clock.now(), self._wire
        if wire is not None and not wire.full and not self._asked and now - self._heard >= self._idle:
            self.ask((b"PING",), now + self._budget).add_done_callback(seen)

    def _flush(self) -> None:
        """What was asked in this turn of the loop, in one write."""
        if self._wire is not None and self._out:
            out, self._out = self._out, []
            self._wire.write(b"".join(out))

    def _replied(self, reply: Reply) -> None:
        """To the one that was sent first of those that wait; whoever is gone by now is passed over."""
        if len(self._asked) <= len(self._out):
            self._drop("it answered what nobody asked")
            return
        answer, at, _ = self._asked.popleft()
        figures = self._figures
        self._heard = self._clock.now()
        figures.answered(self._heard - at)
        if answer.done():
            figures.cancelled += 1
        else:
            answer.set_result(reply)
        if isinstance(reply, ResponseError):
            figures.errors += 1
            if any(word in str(reply) for word in _ELSEWHERE):
                self._drop(str(reply))

    # The end of a connection.

    def _drop(self, why: str) -> None:
        """Give the connection up, and all that wait for it. The link's own task makes the next one."""
        self._why = why
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.drop()
            if not self._closed:
                self._figures.opened += 1
        self._figures.states[self.name] = "open"
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._out.clear()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        while self._asked:
            answer = self._asked.popleft().answer
            self._figures.failures += 1
            if not answer.done():
                answer.set_exception(StateUnavailable(f"Redis at {self.name}: {why}"))

    def _ring_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = when
        self._timer = self._clock.call_at(when, self._ring, False)

    def _ring(self, graced: bool) -> None:
        """The earliest of those that wait may be due; answered ones leave their timer to the others."""
        self._timer = None
        if not self._asked:
            return
        now, due = self._clock.now(), min(asked.due for asked in self._asked)
        if now < due:
            self._ring_at(due)
        elif now - self._rings > _LATE and not graced:
            self._timer = self._clock.call_at(now + _GRACE * self._budget, self._ring, True)
        else:
            self._drop("no answer in time")


def seen(answer: "asyncio.Future[Reply]") -> None:
    """Nobody awaits it: what it ended with has been told to the link already."""
    if not answer.cancelled():
        answer.exception()
