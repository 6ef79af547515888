"""The bulkhead: never more in flight than the limit, nobody waits in vain or for long, no place is lost (F24)."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bff.deadline import Clock
from bff.errors import BackendBusy, BackendTimeout, BackendUnreachable
from bff.testing import ManualClock
from bff.upstream.bulkhead import Bulkhead
from bff.upstream.call import Call, Reply
from bff.upstream.stats import ServiceStats
from tests.upstream.calls import Answers, Counted, Held, begun, call, settings, turns

WELL = Reply(200)
Task = asyncio.Future[Reply]


class Alarms:
    """A clock whose timers the test rings, in whatever turn of the loop it likes."""

    def __init__(self) -> None:
        self.rings: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        self.cancelled = 0

    def now(self) -> float:
        return 1000.0

    def call_at(self, when: float, callback: Callable[..., object], *args: object) -> "Alarms":
        self.rings.append((callback, args))
        return self

    def cancel(self) -> None:
        self.cancelled += 1

    def ring(self) -> None:
        for callback, args in self.rings:
            callback(*args)


class Bench:
    """A bulkhead over calls that the test ends."""

    def __init__(self, limit: int = 2, queue: int = 4, clock: Clock | None = None, **given: object) -> None:
        self.clock, self.held, self.stats = ManualClock(), Held(), ServiceStats()
        self.layer = Bulkhead(
            "shop",
            Counted(self.held, self.stats),
            settings(max_in_flight=limit, bulkhead={"queue": queue, **given}),
            self.stats,
            clock=clock or self.clock,
        )

    def begin(self, seconds: float = 0.8) -> Task:
        return begun(self.layer, call(self.clock, seconds))

    def end_oldest(self) -> None:
        next(iter(self.held.in_flight.values())).set_result(WELL)

    async def began(self, count: int) -> list[Task]:
        """So many calls, each begun after the one before."""
        tasks = []
        for _ in range(count):
            tasks.append(self.begin())
            await turns()
        return tasks

    async def refused(self, seconds: float = 0.8) -> bool:
        """Whether a call that comes now is refused before anything else can happen."""
        task = self.begin(seconds)
        await asyncio.sleep(0)
        refused = task.done() and isinstance(task.exception(), BackendBusy)
        task.cancel()
        return refused

    async def leave(self, *tasks: Task) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (self.stats.in_flight, self.stats.queued) == (0, 0)


async def test_a_place_is_held_until_the_whole_answer_is_there() -> None:
    bench = Bench(limit=1, queue=0)
    (first,) = await bench.began(1)
    assert (bench.stats.in_flight, bench.stats.limit) == (1, 1)
    assert await bench.refused()
    bench.end_oldest()
    assert await first is WELL
    assert (bench.stats.in_flight, bench.stats.busy) == (0, 1)


async def test_a_place_is_free_again_however_the_call_ends() -> None:
    async def fail(_: Call) -> Reply:
        raise BackendUnreachable("shop")

    stats = ServiceStats()
    layer = Bulkhead("shop", Counted(Answers(fail), stats), settings(max_in_flight=1), stats)
    for _ in range(3):
        with pytest.raises(BackendUnreachable):
            await layer.send(call(ManualClock()))
    assert stats.in_flight == 0


async def test_those_that_wait_are_served_in_turn() -> None:
    bench = Bench(limit=1, queue=4)
    _, second, third = await bench.began(3)
    assert bench.stats.queued == 2
    bench.end_oldest()
    await turns()
    bench.end_oldest()
    await turns()
    assert (second.done(), third.done()) == (True, False)
    await bench.leave(second, third)


async def test_under_pressure_the_newest_is_served_first() -> None:
    bench = Bench(limit=1, queue=4)
    tasks = await bench.began(4)  # three wait: more than half of the queue
    for _ in range(2):
        bench.end_oldest()
        await turns()
    assert [task.done() for task in tasks] == [True, False, False, True]
    await bench.leave(*tasks)


async def test_a_full_queue_refuses_at_once() -> None:
    bench = Bench(limit=1, queue=2)
    tasks = await bench.began(3)
    assert await bench.refused()
    assert bench.stats.queued == 2
    await bench.leave(*tasks)


async def test_nobody_waits_longer_than_the_setting() -> None:
    bench = Bench(limit=1, wait=0.05)
    first, second = await bench.began(2)
    await bench.clock.advance(0.049)
    assert not second.done()
    await bench.clock.advance(0.002)
    assert isinstance(second.exception(), BackendBusy)
    await bench.leave(first)


async def test_those_that_gave_up_leave_room_for_others_to_wait() -> None:
    bench = Bench(limit=1, queue=2)
    first, *others = await bench.began(3)
    await bench.clock.advance(0.06)
    assert all(task.done() for task in others)
    assert not await bench.refused()
    await bench.leave(first, *others)


async def test_nobody_waits_longer_than_a_quarter_of_what_is_left() -> None:
    bench = Bench(limit=1, wait=0.5)
    (first,) = await bench.began(1)
    second = bench.begin(0.4)
    await bench.clock.advance(0.099)
    assert not second.done()
    await bench.clock.advance(0.002)
    assert isinstance(second.exception(), BackendBusy)
    await bench.leave(first)


async def test_with_no_time_left_nobody_waits() -> None:
    bench = Bench(limit=1)
    (first,) = await bench.began(1)
    assert await bench.refused(-0.1)
    await bench.leave(first)


async def test_a_call_that_is_cancelled_while_it_waits_leaves_the_queue() -> None:
    bench = Bench(limit=1)
    first, second, third = await bench.began(3)
    second.cancel()
    await turns()
    assert bench.stats.queued == 1
    bench.end_oldest()
    await turns()
    assert len(bench.held.in_flight) == 1  # the third one's
    bench.end_oldest()
    assert await third is WELL
    await bench.leave(first)


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_a_place_granted_to_a_call_cancelled_in_the_same_turn_goes_to_the_next(cancelled_first: bool) -> None:
    bench = Bench(limit=1)
    first, second, third = await bench.began(3)
    bench.end_oldest()
    if cancelled_first:
        second.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
        if first.done():  # in this turn its place was given to the second one, which has not run on yet
            break
    second.cancel()
    await turns()
    assert second.cancelled()
    assert (bench.stats.in_flight, bench.held.sent) == (1, 2)
    bench.end_oldest()
    assert await third is WELL
    await bench.leave()


async def test_a_place_that_becomes_free_when_the_wait_ends_is_not_lost() -> None:
    bench = Bench(limit=1, wait=0.05)
    first, second = await bench.began(2)
    bench.clock.call_at(bench.clock.now() + 0.05, bench.end_oldest)  # after the waiter's own timer, in the same moment
    await bench.clock.advance(0.05)
    assert (first.done(), second.done(), bench.stats.in_flight) == (True, True, 0)


@pytest.mark.parametrize("rings_first", [True, False])
async def test_a_wait_that_ends_in_the_turn_in_which_its_call_is_cancelled_takes_no_place(rings_first: bool) -> None:
    alarms = Alarms()
    bench = Bench(limit=1, clock=alarms)
    first, second = await bench.began(2)
    for happens in (alarms.ring, second.cancel) if rings_first else (second.cancel, alarms.ring):
        happens()
    await turns()
    assert second.cancelled()
    assert (bench.stats.in_flight, bench.stats.queued, alarms.cancelled) == (1, 0, 1)
    await bench.leave(first)


async def test_the_number_of_this_worker_stands_in_for_the_setting() -> None:
    stats = ServiceStats()
    Bulkhead("shop", Counted(Held(), stats), settings(max_in_flight=100), stats, max_in_flight=25)
    assert stats.limit == 25


async def test_f24_five_times_slower_is_never_more_in_flight() -> None:
    clock, stats = ManualClock(), ServiceStats()
    slowness = 0.05

    async def slow(_: Call) -> Reply:
        await clock.sleep(slowness)
        return WELL

    layer = Bulkhead("shop", Counted(Answers(slow), stats), settings(max_in_flight=20), stats, clock=clock)
    tasks: list[Task] = []
    most = 0
    for step in range(200):
        slowness = 0.05 if step < 100 else 0.25
        tasks += [begun(layer, call(clock)) for _ in range(2)]
        await clock.advance(0.01)
        most = max(most, stats.in_flight)
        if step == 99:
            assert stats.busy == 0
    await clock.advance(1)
    refused = [task for task in tasks if isinstance(task.exception(), BackendBusy)]
    assert most == 20
    assert len(refused) == stats.busy > 0
    assert (stats.in_flight, stats.queued) == (0, 0)


# The adaptive limit.


async def test_the_adaptive_limit_begins_small_and_follows_what_calls_take() -> None:
    clock, stats = ManualClock(), ServiceStats()
    slowness = 0.05

    async def slow(_: Call) -> Reply:
        await clock.sleep(slowness)
        return WELL

    given = settings(max_in_flight=100, bulkhead={"adaptive": True, "min_limit": 10, "queue": 0})
    layer = Bulkhead("shop", Counted(Answers(slow), stats), given, stats, clock=clock)
    assert stats.limit == 10

    async def load(rounds: int) -> None:
        for _ in range(rounds):
            full = [begun(layer, call(clock)) for _ in range(stats.limit)]
            await clock.advance(slowness)
            await asyncio.gather(*full)

    await load(10)
    assert stats.limit == 100
    slowness = 0.25
    await load(1)
    assert stats.limit < 50


async def test_a_timeout_of_the_service_lowers_the_adaptive_limit_and_one_of_ours_does_not() -> None:
    clock, stats = ManualClock(), ServiceStats()
    ours = True

    async def hang(_: Call) -> Reply:
        await clock.sleep(1 if stats.limit == 30 else 0.01)
        if stats.limit < 30:
            return WELL
        raise BackendTimeout("shop", ours=ours)

    given = settings(max_in_flight=30, bulkhead={"adaptive": True, "min_limit": 1, "queue": 0})
    layer = Bulkhead("shop", Counted(Answers(hang), stats), given, stats, clock=clock)

    async def fill() -> None:
        full = [begun(layer, call(clock)) for _ in range(stats.limit)]
        await clock.advance(1)
        await asyncio.gather(*full, return_exceptions=True)

    while stats.limit < 30:
        await fill()
    await fill()
    assert stats.limit == 30
    ours = False
    await fill()
    assert stats.limit < 30


@pytest.mark.parametrize("end", [BackendTimeout("shop"), Reply(500), Reply(404)], ids=["short of time", "failed", "refused"])
async def test_what_ends_soon_because_it_had_no_time_or_failed_does_not_lower_the_adaptive_limit(
    end: Reply | BackendTimeout,
) -> None:
    clock, stats = ManualClock(), ServiceStats(enough=0.05)

    async def work(asked: Call) -> Reply:
        soon = asked.deadline.left() < 0.03
        await clock.sleep(0.002 if soon else 0.03)
        if soon and isinstance(end, BackendTimeout):
            raise end
        return end if soon and isinstance(end, Reply) else WELL

    given = settings(max_in_flight=100, bulkhead={"adaptive": True, "min_limit": 10, "queue": 0})
    layer = Bulkhead("shop", Counted(Answers(work), stats), given, stats, clock=clock)

    async def load(rounds: int, seconds: float) -> None:
        for _ in range(rounds):
            full = [begun(layer, call(clock, seconds)) for _ in range(stats.limit)]
            await clock.advance(0.03)
            await asyncio.gather(*full, return_exceptions=True)

    await load(12, 0.8)
    await load(20, 0.02)
    await load(10, 0.8)
    assert stats.limit == 100


async def test_places_that_the_adaptive_limit_adds_go_to_those_that_wait() -> None:
    bench = Bench(limit=100, queue=10, adaptive=True, min_limit=1)
    tasks = await bench.began(5)
    assert (bench.stats.limit, bench.stats.queued) == (1, 4)
    for _ in range(4):
        bench.end_oldest()
        await turns()
    assert bench.stats.limit >= 3
    assert bench.stats.queued == 0
    bench.end_oldest()
    await asyncio.gather(*tasks)
    await bench.leave()


class Life(RuleBasedStateMachine):
    """Calls come, end and are cancelled in any order, several things in one turn of the loop; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.runner.run(self.build())

    async def build(self) -> None:
        self.bench = Bench(limit=3, queue=4)
        self.tasks: list[Task] = []

    async def begin(self, count: int) -> None:
        self.tasks += [self.bench.begin() for _ in range(count)]
        await turns()

    @rule(count=st.integers(1, 5))
    def come(self, count: int) -> None:
        self.runner.run(self.begin(count))

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def happen_in_one_turn(self, data: st.DataObject) -> None:
        """Some calls end and some are cancelled, some before and some after the loop has gone on by a turn or two."""
        ends = data.draw(st.integers(0, 3))
        gone = data.draw(st.lists(st.sampled_from(range(len(self.tasks))), max_size=4, unique=True))
        pause = data.draw(st.integers(0, 3))
        self.runner.run(self.happen(ends, gone, pause))

    async def happen(self, ends: int, gone: list[int], pause: int) -> None:
        for answer in list(self.bench.held.in_flight.values())[:ends]:
            if not answer.done():
                answer.set_result(WELL)
        await turns(pause)
        for index in gone:
            self.tasks[index].cancel()
        await turns()

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.5]))
    def wait(self, seconds: float) -> None:
        self.runner.run(self.bench.clock.advance(seconds))

    @invariant()
    def in_flight_is_what_is_sent_and_within_the_limit(self) -> None:
        assert self.bench.held.most <= 3
        assert self.bench.stats.in_flight == len(self.bench.held.in_flight) <= self.bench.stats.limit

    @invariant()
    def nobody_waits_while_a_place_is_free(self) -> None:
        stats = self.bench.stats
        waiting = sum(not task.done() for task in self.tasks) - stats.in_flight
        assert stats.queued == waiting <= 4
        assert not stats.queued or stats.in_flight == stats.limit

    def teardown(self) -> None:
        self.runner.run(self.bench.leave(*self.tasks))
        self.runner.close()


Life.TestCase.settings = hypothesis_settings(max_examples=100, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
