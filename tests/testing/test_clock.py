"""The clock that tests run by hand: no time passes by itself, and what is due happens in its order."""

import asyncio

import pytest

from bff import Deadline
from bff.testing import ManualClock


async def test_it_stands_still_until_it_is_told() -> None:
    clock = ManualClock(start=5.0)
    woken = asyncio.ensure_future(clock.sleep(1.0))
    await clock.advance(0.999)
    assert (clock.now(), woken.done()) == (5.999, False)
    await clock.advance(0.001)
    assert woken.done()


async def test_what_is_due_happens_in_its_order_and_sees_its_own_moment() -> None:
    clock = ManualClock(start=0.0)
    seen: list[tuple[str, float]] = []
    for name, when in (("c", 3.0), ("a", 1.0), ("b", 1.0)):
        clock.call_at(when, lambda name=name: seen.append((name, clock.now())))
    await clock.advance(2.0)
    assert seen == [("a", 1.0), ("b", 1.0)]
    assert clock.now() == 2.0
    await clock.advance(1.0)
    assert seen[-1] == ("c", 3.0)


async def test_what_a_timer_sets_off_comes_to_rest_before_the_next() -> None:
    clock = ManualClock(start=0.0)
    moments: list[float] = []

    async def tick() -> None:
        while len(moments) < 3:
            await clock.sleep(1.0)
            moments.append(clock.now())

    ticking = asyncio.ensure_future(tick())
    await clock.advance(10.0)
    assert moments == [1.0, 2.0, 3.0]
    assert ticking.done()


async def test_a_cancelled_timer_never_fires_and_moves_no_time_on() -> None:
    clock = ManualClock(start=0.0)
    clock.call_at(1.0, pytest.fail, "fired").cancel()
    await clock.advance(5.0)


async def test_it_drives_work_to_its_end_at_once() -> None:
    clock = ManualClock(start=0.0)

    async def work() -> str:
        await asyncio.gather(clock.sleep(3600), clock.sleep(60))
        return "done"

    assert await clock.drive(work()) == "done"
    assert clock.now() == 3600


async def test_driven_work_that_fails_fails_as_itself_and_leaves_nothing_behind() -> None:
    clock = ManualClock()

    async def work() -> None:
        await clock.sleep(1)
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        await clock.drive(work())
    assert len(asyncio.all_tasks()) == 1


async def test_work_that_waits_for_something_else_is_told_of_rather_than_waited_for() -> None:
    with pytest.raises(AssertionError, match="no timer of this clock will end"):
        await ManualClock().drive(asyncio.Event().wait())
    assert len(asyncio.all_tasks()) == 1


async def test_deadlines_run_by_it() -> None:
    clock = ManualClock()
    deadline = Deadline.after(1.0, clock)
    await clock.advance(0.75)
    assert deadline.left() == 0.25
    assert deadline.earlier(clock.now()).left() == 0.0
    assert deadline.earlier(deadline.at + 1) is deadline
