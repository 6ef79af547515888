"""Second attempts: of what, when, how often, and what the caller gets in the end (F04, F05, F15, F23)."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

import pytest
from msgspec.structs import replace

from bff.errors import (
    BackendBusy,
    BackendError,
    BackendInvalid,
    BackendTimeout,
    BackendUnreachable,
    BreakerOpen,
)
from bff.testing import ManualClock
from bff.upstream.call import Attempt, Call, CallPolicy, Reply, Sender
from bff.upstream.retry import Retry
from bff.upstream.stats import BreakerState, ServiceStats
from tests.upstream.calls import Answers, call, settings, turns, under_breaker

OK = Reply(200, [], b"ok")
GONE = BackendUnreachable("shop", "reset before its answer")
BEGUN = BackendUnreachable("shop", "reset in the middle of its answer")
BEGUN.begun = True
OURS = BackendUnreachable("shop", "no instance is known", ours=True)

End = Reply | BackendError


class Script:
    """Attempts that end one after another as told; the last end goes on for ever."""

    def __init__(self, clock: ManualClock, *ends: End, lasting: float = 0.0) -> None:
        self.clock, self.ends, self.lasting = clock, list(ends), lasting
        self.calls: list[Call] = []
        self.at: list[float] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        self.at.append(self.clock.now())
        call.attempts.append(Attempt("a:1", call.kind, self.clock.now()))
        if self.lasting:
            await self.clock.sleep(self.lasting)
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if isinstance(end, BackendError):
            raise end
        return end

    async def close(self) -> None:
        pass


class Pipe:
    """A retry layer over a script, on a clock of its own; the jitter is what `draw` says, nothing by default."""

    guarded = False

    def __init__(self, *ends: End, draw: Callable[[], float] = lambda: 0.0, lasting: float = 0.0, **given: object) -> None:
        self.clock = ManualClock()
        self.inner = Script(self.clock, *ends, lasting=lasting)
        self.stats = ServiceStats()
        retry = Retry("shop", self.inner, settings(retry=given), self.stats, clock=self.clock, draw=draw)
        self.layer: Sender = under_breaker(retry, self.stats, self.clock) if self.guarded else retry

    def call(self, seconds: float = 0.8, **other: object) -> Call:
        return replace(call(self.clock, seconds), **other)  # fields of a Call, by name

    async def send(self, call: Call | None = None) -> Reply:
        return await self.clock.drive(self.layer.send(call or self.call()))

    @property
    def sent(self) -> int:
        return len(self.inner.calls)


@pytest.fixture(autouse=True, params=[False, True], ids=["alone", "under a breaker"])
def guarded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pipe, "guarded", request.param)


# What is sent again


@pytest.mark.parametrize("failure", [GONE, Reply(502), Reply(503), Reply(504)], ids=str)
async def test_what_may_pass_is_asked_once_more(failure: End) -> None:
    pipe = Pipe(failure, OK)
    assert await pipe.send() is OK
    assert (pipe.sent, pipe.stats.retries) == (2, 1)


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 404, 408, 409, 429, 500, 501, 505, 599])
async def test_what_another_attempt_would_meet_again_is_given_as_it_came(status: int) -> None:
    answer = Reply(status)
    pipe = Pipe(answer)
    assert await pipe.send() is answer
    assert (pipe.sent, pipe.stats.retries) == (1, 0)


@pytest.mark.parametrize(
    "error",
    [BEGUN, OURS, BackendTimeout("shop"), BackendInvalid("shop"), BackendBusy("shop"), BreakerOpen("shop")],
    ids=lambda error: f"{type(error).__name__}: {error}",
)
async def test_an_error_that_is_no_broken_connection_is_raised_as_it_came(error: BackendError) -> None:
    pipe = Pipe(error)
    with pytest.raises(type(error)) as caught:
        await pipe.send()
    assert caught.value is error
    assert pipe.sent == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_f05_a_write_is_sent_once_unless_it_may_be_repeated(method: str) -> None:
    pipe = Pipe(GONE)
    for _ in range(100):
        with pytest.raises(BackendUnreachable):
            await pipe.send(pipe.call(method=method))
    assert (pipe.sent, pipe.stats.retries) == (100, 0)
    with pytest.raises(BackendUnreachable):
        await pipe.send(pipe.call(method=method, idempotent=True))
    assert pipe.sent == 102


async def test_a_trial_and_a_call_that_asks_for_it_are_sent_once() -> None:
    pipe = Pipe(GONE)
    for once in (pipe.call(trial=True), pipe.call(policy=CallPolicy(retry=False))):
        with pytest.raises(BackendUnreachable):
            await pipe.send(once)
    assert pipe.sent == 2


@pytest.mark.parametrize("state", ["open", "half_open"])
async def test_nothing_is_sent_again_once_the_breaker_has_opened(state: BreakerState) -> None:
    pipe = Pipe(GONE)
    pipe.stats.breaker = state
    with pytest.raises(BackendUnreachable):
        await pipe.send()
    assert (pipe.sent, pipe.stats.retries) == (1, 0)


async def test_nothing_is_sent_again_when_the_breaker_opens_in_the_pause() -> None:
    pipe = Pipe(GONE, draw=lambda: 1.0)
    sending = asyncio.ensure_future(pipe.layer.send(pipe.call()))
    await turns()
    pipe.stats.breaker = "open"
    await pipe.clock.advance(1)
    assert sending.exception() is GONE
    assert (pipe.sent, pipe.stats.retries) == (1, 0)


# How often, and what is given in the end


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
async def test_a_call_is_sent_as_often_as_its_service_allows_and_its_last_error_is_raised(attempts: int) -> None:
    errors = [BackendUnreachable("shop", str(number)) for number in range(attempts)]
    pipe = Pipe(*errors, attempts=attempts)
    with pytest.raises(BackendUnreachable) as caught:
        await pipe.send()
    assert caught.value is errors[-1]
    assert pipe.sent == attempts


async def test_the_last_answer_is_given_even_if_it_is_a_failure_after_an_error() -> None:
    last = Reply(503)
    assert await Pipe(GONE, last).send() is last


async def test_an_attempt_that_was_not_sent_does_not_hide_what_went_wrong() -> None:
    pipe = Pipe(GONE, BackendBusy("shop"))
    with pytest.raises(BackendUnreachable) as caught:
        await pipe.send()
    assert caught.value is GONE


async def test_another_attempt_says_that_it_is_one_and_stands_in_the_same_list() -> None:
    pipe = Pipe(GONE, Reply(503), OK, attempts=3)
    asked = pipe.call(headers=(("accept", "a/b"),))
    await pipe.send(asked)
    assert [sent.headers[1:] for sent in pipe.inner.calls] == [(), (("x-attempt", "1"),), (("x-attempt", "2"),)]
    assert [attempt.kind for attempt in asked.attempts] == ["first", "retry", "retry"]
    assert asked.headers == (("accept", "a/b"),)


# When


async def test_the_pause_is_drawn_from_nothing_to_twice_as_much_each_time_up_to_its_cap() -> None:
    pipe = Pipe(GONE, draw=lambda: 1.0, attempts=5, backoff=0.1, backoff_max=0.25)
    with suppress(BackendUnreachable):
        await pipe.send(pipe.call(10))
    gaps = [later - earlier for earlier, later in zip(pipe.inner.at, pipe.inner.at[1:], strict=False)]
    assert gaps == pytest.approx([0.1, 0.2, 0.25, 0.25])
    again = Pipe(GONE, draw=lambda: 0.5, backoff=0.1)
    with suppress(BackendUnreachable):
        await again.send()
    assert again.inner.at[1] - again.inner.at[0] == pytest.approx(0.05)


async def test_f15_a_backend_that_says_when_is_asked_then_and_not_before() -> None:
    pipe = Pipe(Reply(429, [(b"retry-after", b"2")]), OK)
    assert await pipe.send(pipe.call(4.5)) is OK
    assert pipe.inner.at[1] - pipe.inner.at[0] == 2.0


async def test_f15_a_timer_that_rings_early_makes_no_early_call() -> None:
    class Hasty(ManualClock):
        """Rings a millisecond early, as uvloop may."""

        def call_at(self, when: float, callback: Callable[..., object], *args: object):  # type: ignore[no-untyped-def]
            return super().call_at(max(self.now(), when - 0.001) if when - self.now() > 0.001 else when, callback, *args)

    clock = Hasty()
    inner = Script(clock, Reply(503, [(b"retry-after", b"2")]), OK)
    retry = Retry("shop", inner, settings(), ServiceStats(), clock=clock)
    await clock.drive(retry.send(call(clock, 10)))
    assert inner.at[1] - inner.at[0] >= 2.0


async def test_f15_a_moment_to_come_back_at_is_waited_for() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True).encode()
    pipe = Pipe(Reply(503, [(b"retry-after", moment)]), OK)
    assert await pipe.send(pipe.call(100)) is OK
    assert 25 < pipe.inner.at[1] - pipe.inner.at[0] <= 30


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("seconds", ["3", "86400", "99999999999"])
async def test_f15_a_time_over_half_of_what_is_left_is_the_callers_to_know(status: int, seconds: str) -> None:
    answer = Reply(status, [(b"retry-after", seconds.encode())])
    pipe = Pipe(answer, OK)
    assert await pipe.send(pipe.call(5)) is answer
    assert (pipe.sent, pipe.clock.now()) == (1, 1000.0)


async def test_f15_a_refusal_for_now_that_does_not_say_until_when_is_not_asked_again() -> None:
    for header in (b"soon", b"-1", b""):
        pipe = Pipe(Reply(429, [(b"retry-after", header)]))
        await pipe.send()
        assert pipe.sent == 1
    overloaded = Pipe(Reply(503, [(b"retry-after", b"soon")]), OK)
    assert await overloaded.send() is OK


@pytest.mark.parametrize(("left", "sent"), [(0.4, 1), (0.6, 2)])
async def test_a_call_that_could_not_end_in_time_is_not_sent_again(left: float, sent: int) -> None:
    pipe = Pipe(GONE)
    for _ in range(20):
        pipe.stats.latency.add(0.5, pipe.clock.now())  # told as 0.52: the middle of its bucket
    with suppress(BackendUnreachable):
        await pipe.send(pipe.call(left))
    assert pipe.sent == sent
    assert pipe.stats.budget_refused == 0


async def test_nothing_is_sent_when_the_time_is_up() -> None:
    pipe = Pipe(GONE, lasting=0.8)
    with suppress(BackendUnreachable):
        await pipe.send(pipe.call(0.8))
    assert pipe.sent == 1


async def test_who_is_cut_while_it_waits_sends_no_more() -> None:
    pipe = Pipe(GONE, draw=lambda: 1.0)
    sending = asyncio.ensure_future(pipe.layer.send(pipe.call()))
    await turns()
    sending.cancel()
    await pipe.clock.advance(1)
    assert sending.cancelled()
    assert pipe.sent == 1


async def test_a_failure_leaves_nothing_to_the_garbage_collector() -> None:
    """A worker seldom looks for circles (server/memory.py)."""

    def calls() -> int:
        return sum(type(found) is Call for found in gc.get_objects())

    clock = ManualClock()

    async def fails(call: Call) -> Reply:
        raise BackendUnreachable("shop")

    retry = Retry("shop", Answers(fails), settings(retry={"attempts": 3}), ServiceStats(), clock=clock, draw=lambda: 0.0)
    gc.collect()
    gc.disable()
    try:
        before = calls()
        for policy in (CallPolicy(), CallPolicy(hedge=True)):
            with suppress(BackendUnreachable):
                await retry.send(replace(call(clock), policy=policy))
        assert calls() == before
    finally:
        gc.enable()


# The budget


async def test_a_service_without_budget_left_is_asked_once() -> None:
    pipe = Pipe(GONE, budget=0.1, budget_floor=0.1)  # one in ten seconds
    for _ in range(5):
        with suppress(BackendUnreachable):
            await pipe.send()
    assert (pipe.sent, pipe.stats.retries, pipe.stats.budget_refused) == (6, 1, 4)


async def test_f04_a_service_that_is_away_is_asked_at_most_a_tenth_more() -> None:
    pipe = Pipe(GONE)
    for _ in range(1000):
        with suppress(BackendUnreachable):
            await pipe.send()
    assert pipe.sent <= 1000 + 100 + 10


async def test_f23_a_retry_storm_adds_no_more_than_a_fifth_in_any_ten_seconds() -> None:
    """500 calls a second, half of all attempts answered 503, as many attempts allowed as there can be."""
    clock, stats, chance = ManualClock(), ServiceStats(), Random(1)
    first, sent = [0] * 30, [0] * 30

    async def answer(call: Call) -> Reply:
        sent[int(clock.now() - 1000)] += 1
        return Reply(503) if chance.random() < 0.5 else OK

    retry = Retry("shop", Answers(answer), settings(retry={"attempts": 5}), stats, clock=clock, draw=lambda: 0.0)
    for second in range(30):
        for _ in range(500):
            first[second] += 1
            await retry.send(call(clock))  # no pause is drawn, so it takes no time
        await clock.advance(1)
    for begin in range(21):
        window = slice(begin, begin + 10)
        assert sum(sent[window]) <= 1.2 * sum(first[window])
    assert sum(sent) == sum(first) + stats.retries
    assert stats.retries > 0.09 * sum(first), "what is earned is of use"
