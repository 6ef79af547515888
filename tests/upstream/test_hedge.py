"""Hedges: when a second attempt is sent, which answer counts, and that the loser is over (U9)."""

import asyncio
import gc
from time import monotonic

import pytest
from msgspec.structs import replace

from bff.deadline import Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendBusy, BackendError, BackendTimeout, BackendUnreachable
from bff.testing import ManualClock, StubReply, StubRequest, StubService
from bff.upstream.balance import Balance
from bff.upstream.bulkhead import Bulkhead
from bff.upstream.call import Call, CallPolicy, Reply, Sender
from bff.upstream.instances import Instances
from bff.upstream.retry import Retry
from bff.upstream.stats import ServiceStats
from bff.upstream.wires import wires
from tests.upstream.calls import call, settings, turns, under_breaker

End = Reply | BackendError

# A service most of whose calls take 90 ms: the 95th percentile is told as 98.2 ms, in the bucket from 64 to 100.
USUAL = 0.0982
GONE = BackendUnreachable("shop", "reset before its answer")


class Copies:
    """Each attempt is told how long it takes and how it ends."""

    def __init__(self, clock: ManualClock, *attempts: tuple[float, End]) -> None:
        self.clock, self.attempts = clock, list(attempts)
        self.calls: list[Call] = []
        self.at: list[float] = []
        self.cancelled = 0
        self.running = 0

    async def send(self, call: Call) -> Reply:
        lasts, end = self.attempts[len(self.calls)]
        self.calls.append(call)
        self.at.append(round(self.clock.now() - 1000, 4))
        self.running += 1
        try:
            await self.clock.sleep(lasts)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if isinstance(end, BackendError):
            raise end
        return end

    async def close(self) -> None:
        pass


class Pipe:
    guarded = False

    def __init__(
        self, *attempts: tuple[float, End], known: float | None = 0.09, kind: type[Copies] = Copies, **given: object
    ) -> None:
        self.clock = ManualClock()
        self.copies = kind(self.clock, *attempts)
        self.stats = ServiceStats()
        for _ in range(20 if known is not None else 0):
            self.stats.latency.add(known or 0, self.clock.now())
        retry = Retry("shop", self.copies, settings(**given), self.stats, clock=self.clock, draw=lambda: 0.0)
        self.layer: Sender = under_breaker(retry, self.stats, self.clock) if self.guarded else retry

    def call(self, seconds: float = 0.8) -> Call:
        return replace(call(self.clock, seconds), policy=CallPolicy(hedge=True))

    async def send(self, call: Call | None = None) -> Reply:
        return await self.clock.drive(self.layer.send(call or self.call()))

    @property
    def took(self) -> float:
        return round(self.clock.now() - 1000, 4)

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.stats.hedges, self.stats.hedges_won, self.stats.retries


@pytest.fixture(autouse=True, params=[False, True], ids=["alone", "under a breaker"])
def guarded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pipe, "guarded", request.param)


SLOW, QUICK, MISSING, SICK = Reply(200, [], b"slow"), Reply(200, [], b"quick"), Reply(404), Reply(503)


async def test_a_call_slower_than_nearly_all_is_sent_once_more_and_the_first_answer_counts() -> None:
    pipe = Pipe((0.7, SLOW), (0.02, QUICK))
    assert await pipe.send() is QUICK
    assert pipe.copies.at == [0, USUAL]
    assert pipe.took == USUAL + 0.02
    assert (pipe.counts, pipe.copies.cancelled, pipe.copies.running) == ((1, 1, 0), 1, 0)
    assert [sent.kind for sent in pipe.copies.calls] == ["first", "hedge"]
    assert pipe.copies.calls[1].headers == (("x-attempt", "1"),)


async def test_the_first_attempt_may_still_win() -> None:
    pipe = Pipe((0.12, SLOW), (0.5, QUICK))
    assert await pipe.send() is SLOW
    assert (pipe.took, pipe.counts, pipe.copies.cancelled, pipe.copies.running) == (0.12, (1, 0, 0), 1, 0)


async def test_a_quick_call_is_sent_once() -> None:
    pipe = Pipe((0.05, QUICK))
    assert await pipe.send() is QUICK
    assert (pipe.took, pipe.counts) == (0.05, (0, 0, 0))


async def test_no_call_is_hedged_while_nobody_knows_how_long_calls_take() -> None:
    pipe = Pipe((0.7, SLOW), known=None)
    assert await pipe.send() is SLOW
    assert pipe.counts == (0, 0, 0)


async def test_a_service_of_microseconds_is_given_its_least() -> None:
    pipe = Pipe((0.7, SLOW), (0.01, QUICK), known=0.0001, hedge={"least": 0.03})
    assert await pipe.send() is QUICK
    assert pipe.copies.at == [0, 0.03]


async def test_only_what_is_marked_is_hedged_and_never_a_trial_or_a_write() -> None:
    pipe = Pipe(*[(0.7, SLOW)] * 4)
    for plain in (
        replace(pipe.call(), policy=CallPolicy(retry=False, hedge=True)),  # sent once
        replace(pipe.call(), policy=CallPolicy()),
        replace(pipe.call(), trial=True),
        replace(pipe.call(), method="POST"),
    ):
        assert await pipe.send(plain) is SLOW
    assert pipe.counts == (0, 0, 0)


async def test_nothing_is_hedged_once_the_breaker_has_opened() -> None:
    pipe = Pipe((0.7, SLOW))
    pipe.stats.breaker = "open"
    assert await pipe.send() is SLOW
    assert pipe.counts == (0, 0, 0)


async def test_a_hedge_needs_time_for_its_answer() -> None:
    pipe = Pipe((0.16, SLOW))
    assert await pipe.send(pipe.call(0.17)) is SLOW  # 72 ms left, and half of the calls take more than 80
    assert pipe.counts == (0, 0, 0)


@pytest.mark.parametrize("lost", [GONE, SICK, Reply(500), Reply(429)], ids=["gone", "sick", "500", "429"])
async def test_a_failure_does_not_win(lost: End) -> None:
    later = Pipe((0.3, SLOW), (0.02, lost))
    assert await later.send() is SLOW
    assert (later.took, later.counts, later.copies.cancelled) == (0.3, (1, 0, 0), 0)
    sooner = Pipe((0.11, lost), (0.2, QUICK))
    assert await sooner.send() is QUICK
    assert (sooner.counts, sooner.copies.cancelled) == ((1, 1, 0), 0)


async def test_that_a_thing_is_not_there_is_an_answer() -> None:
    assert await Pipe((0.7, SLOW), (0.02, MISSING)).send() is MISSING


async def test_when_both_fail_the_last_failure_is_told_and_nothing_is_sent_again() -> None:
    pipe = Pipe((0.2, BackendTimeout("shop")), (0.02, GONE))
    with pytest.raises(BackendTimeout):
        await pipe.send()
    assert pipe.counts == (1, 0, 0)
    other = Pipe((0.11, GONE), (0.2, SICK))
    assert await other.send() is SICK


async def test_a_first_attempt_that_fails_early_is_retried_as_any_other() -> None:
    pipe = Pipe((0.01, GONE), (0.01, QUICK))
    assert await pipe.send() is QUICK
    assert (pipe.took, pipe.counts) == (0.02, (0, 0, 1))


async def test_a_third_attempt_may_follow_where_three_are_allowed() -> None:
    pipe = Pipe((0.11, GONE), (0.02, GONE), (0.01, QUICK), retry={"attempts": 3})
    assert await pipe.send() is QUICK
    assert pipe.counts == (1, 0, 1)
    assert [sent.headers for sent in pipe.copies.calls] == [(), (("x-attempt", "1"),), (("x-attempt", "2"),)]


async def test_a_hedge_that_found_no_place_leaves_the_first_attempt_its_say() -> None:
    for first, second in ((0.2, 0.0), (0.11, 0.05)):
        pipe = Pipe((first, GONE), (second, BackendBusy("shop")))
        with pytest.raises(BackendUnreachable):
            await pipe.send()


async def test_hedges_and_retries_spend_the_same_budget() -> None:
    one_in_ten_seconds = {"budget": 0.0, "budget_floor": 0.1}
    pipe = Pipe((0.01, GONE), (0.01, QUICK), (0.5, SLOW), retry=one_in_ten_seconds)
    assert await pipe.send() is QUICK
    assert await pipe.send() is SLOW
    assert (pipe.counts, pipe.stats.budget_refused) == ((0, 0, 1), 1)


async def test_who_leaves_ends_both() -> None:
    pipe = Pipe((0.7, SLOW), (0.7, QUICK))
    sending = asyncio.ensure_future(pipe.layer.send(pipe.call()))
    await pipe.clock.advance(0.2)
    assert pipe.copies.running == 2
    sending.cancel()
    await asyncio.wait([sending])
    assert sending.cancelled()
    assert (pipe.copies.running, pipe.copies.cancelled) == (0, 2)


async def test_a_losers_error_is_nobodys() -> None:
    """asyncio would report a task whose error nobody took, and pytest makes a failure of that."""

    class Late(Copies):
        async def send(self, call: Call) -> Reply:
            try:
                return await super().send(call)
            except asyncio.CancelledError:
                raise GONE from None

    pipe = Pipe((0.7, SLOW), (0.02, QUICK), kind=Late)
    assert await pipe.send() is QUICK
    await turns()
    gc.collect()


async def test_a_library_that_cancels_an_attempt_by_itself_does_not_cancel_the_call() -> None:
    class Cancels(Copies):
        async def send(self, call: Call) -> Reply:
            await super().send(call)
            raise asyncio.CancelledError

    pipe = Pipe((0.2, SLOW), (0.2, SLOW), kind=Cancels)
    with pytest.raises(BackendUnreachable, match="a library cancelled the call"):
        await pipe.send()


async def test_the_losers_connection_is_closed_and_its_place_is_free() -> None:
    """Over sockets: whichever copy is asked first never answers, the other one does."""
    asked: list[str] = []

    async def answer(_: StubRequest) -> StubReply:
        asked.append("")
        if len(asked) == 1:
            await asyncio.Event().wait()
        return StubReply.json(1)

    async with StubService(answer) as one, StubService(answer) as other:
        given = settings(instances=[f"http://{one.address}", f"http://{other.address}"])
        stats = ServiceStats()
        instances = Instances(wires("shop", given), stats)
        instances.update([Endpoint.of(url) for url in given.instances])
        retry = Retry("shop", Bulkhead("shop", Balance("shop", instances, given, stats), given, stats), given, stats)
        for _ in range(20):
            stats.latency.add(0.01, monotonic())
        read = Call("shop", "GET", "/products", Deadline.after(5), policy=CallPolicy(hedge=True))
        assert (await retry.send(read)).body == b"1"
        held = one if read.attempts[0].instance == one.address else other
        await held.wait_for(lambda: held.counters.cancels == 1 and held.counters.open_connections == 0)
        assert [attempt.kind for attempt in read.attempts] == ["first", "hedge"]
        assert {attempt.instance for attempt in read.attempts} == {one.address, other.address}
        assert (stats.in_flight, stats.hedges_won) == (0, 1)
        await retry.close()
