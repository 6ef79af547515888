"""The tasks of one run on a loop that was blocked (F48): what came in time is not cut because we looked late."""

import asyncio
import heapq
from dataclasses import dataclass
from typing import Any

import pytest

from bff.composition.tasks import BLOCKED, RING_AGAIN, Tasks
from bff.deadline import Deadline
from bff.errors import BackendTimeout
from bff.testing import ManualClock

DUE = 0.1


class Blocking(ManualClock):
    def block(self, seconds: float) -> None:
        """The loop does nothing for so long, and then rings what is overdue before it reads what has come."""
        self._now += seconds
        while self._timers and self._timers[0][0] <= self._now:
            heapq.heappop(self._timers)[2].fire()


@dataclass
class Started:
    """A section of 100 ms that waits for its answer; `ended` has how it went."""

    clock: Blocking
    tasks: Tasks
    answer: "asyncio.Future[str]"
    ended: list[tuple[Any, BaseException | None]]  # Any: whatever a section gives


def due(key: str, clock: ManualClock) -> Deadline:
    return Deadline(clock.now() + DUE, clock.now, key)


async def started() -> Started:
    clock, loop = Blocking(), asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    tasks = Tasks(loop.create_future(), clock)
    ended: list[tuple[Any, BaseException | None]] = []

    async def work() -> str:
        return await answer

    def then(_whose: object, value: object, cause: BaseException | None, _now: float) -> None:
        ended.append((value, cause))

    tasks.start(work, {}, due("head", clock), ("orders",), clock.now(), then, None)
    tasks.arm()
    await clock.advance(0)
    return Started(clock, tasks, answer, ended)


async def test_an_answer_that_came_while_the_loop_was_blocked_is_taken() -> None:
    section = await started()
    section.clock.block(DUE + 0.5)
    if not section.answer.done():
        section.answer.set_result("in time")  # read in the turn after the alarm
    await section.clock.advance(0)
    assert section.ended == [("in time", None)]


@pytest.mark.parametrize(("late", "ends_after"), [(0.5, RING_AGAIN), (BLOCKED / 2, 0.0)])
async def test_what_has_not_come_is_cut_at_once_on_a_loop_that_is_well_and_soon_on_one_that_was_blocked(
    late: float, ends_after: float
) -> None:
    section = await started()
    section.clock.block(DUE + late)
    await section.clock.advance(ends_after * 0.9)
    assert bool(section.ended) is (ends_after == 0.0)
    await section.clock.advance(ends_after)
    ((value, cause),) = section.ended
    assert value is None
    assert isinstance(cause, BackendTimeout)


async def test_a_loop_that_is_blocked_again_does_not_spare_it_again() -> None:
    section = await started()
    section.clock.block(DUE + 0.5)
    await section.clock.advance(0)
    assert section.ended == []
    section.clock.block(0.5)
    await section.clock.advance(0)
    assert len(section.ended) == 1


async def test_times_are_told_of_what_ended_and_of_what_has_not() -> None:
    section = await started()
    began = section.clock.now()
    assert section.tasks.times == {"head": (began, 0.0)}
    await section.clock.advance(0.05)
    section.answer.set_result("word")
    await section.clock.advance(0)
    assert section.tasks.times == {"head": (began, began + 0.05)}
    assert section.tasks.how == {"head": "ok"}, "it has ended: there is nothing to stop"


class Panic(BaseException):
    """What an extension in Rust raises when it breaks; `pytest.fail` in a fake is of this kind too."""


async def test_what_is_no_exception_ends_the_run_too() -> None:
    async def panic() -> str:
        raise Panic

    clock, done = ManualClock(), asyncio.get_running_loop().create_future()
    tasks = Tasks(done, clock)
    tasks.start(panic, {}, due("head", clock), (), clock.now(), lambda *_: None, None)
    await clock.advance(0)
    assert done.done()
    with pytest.raises(Panic):
        tasks.raise_failure()


async def test_how_work_ended_is_told() -> None:
    hanging = asyncio.Event()

    async def given() -> str:
        return "word"

    async def refused() -> str:
        raise BackendTimeout("orders")

    async def broken() -> str:
        raise KeyError("word")

    async def hang() -> str:
        await hanging.wait()
        return "never"

    clock, done = ManualClock(), asyncio.get_running_loop().create_future()
    tasks = Tasks(done, clock)
    for work in (given, refused, hang, broken):
        tasks.start(work, {}, due(work.__name__, clock), (), clock.now(), lambda *_: None, None)
    await clock.advance(0)
    await tasks.stop()
    assert tasks.how == {"given": "ok", "refused": "failed", "hang": "cut", "broken": "bug"}
