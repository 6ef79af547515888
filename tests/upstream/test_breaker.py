"""The breaker as a layer: what counts, what is refused and how, and the classic faults (F12-F14, F16, F17, F48)."""

import asyncio
from contextlib import suppress

import pytest

from bff.deadline import Deadline
from bff.errors import BackendBusy, BackendError, BackendTimeout, BackendUnreachable, BreakerOpen, Hopeless
from bff.testing import ManualClock
from bff.upstream.breaker import Breaker
from bff.upstream.bulkhead import Bulkhead
from bff.upstream.call import Call, Reply, Sender
from bff.upstream.stats import ServiceStats
from tests.upstream.calls import Answers, Counted, Held, call, settings, turns

WELL, ILL = Reply(200), Reply(500)


def breaker(inner: Sender, clock: ManualClock, **given: object) -> tuple[Breaker, ServiceStats]:
    """A breaker whose pauses do not vary."""
    stats = ServiceStats()
    return Breaker("shop", inner, settings(**given), stats, clock=clock, draw=lambda: 0.5), stats


async def answer(_: Call) -> Reply:
    return WELL


async def fail(_: Call) -> Reply:
    return ILL


async def refuse(_: Call) -> Reply:
    raise BackendUnreachable("shop")


async def offer(layer: Breaker, clock: ManualClock, *, rate: float, seconds: float) -> int:
    """Calls at an even rate, one after the other; how many were refused by an open breaker."""
    refused = 0
    for _ in range(int(rate * seconds)):
        try:
            await layer.send(call(clock))
        except BreakerOpen:
            refused += 1
        except BackendError:
            pass
        await clock.advance(1 / rate)
    return refused


async def opened(inner: Answers, clock: ManualClock, **given: object) -> tuple[Breaker, ServiceStats]:
    """A breaker that has just opened."""
    layer, stats = breaker(inner, clock, **given)
    well, inner.answer = inner.answer, refuse
    for _ in range(20):
        with suppress(BackendUnreachable):
            await layer.send(call(clock))
    assert stats.breaker == "open"
    inner.answer, inner.sent = well, 0
    return layer, stats


# The classic faults.


async def test_f12_it_opens_within_20_calls_tries_a_few_and_closes_when_the_service_is_well_again() -> None:
    clock, inner = ManualClock(), Answers(fail)
    layer, stats = breaker(inner, clock)
    refused = await offer(layer, clock, rate=50, seconds=1)
    assert (inner.sent, refused) == (20, 30)
    refused = await offer(layer, clock, rate=50, seconds=29)
    assert inner.sent == 20 + 2  # one trial after 5 s and one after 10 s more: the first bad one ends each look
    inner.answer = answer
    await offer(layer, clock, rate=50, seconds=10)
    assert stats.breaker == "closed"
    assert stats.breaker_opened == 3


async def test_f13_a_service_that_fails_every_second_call_is_left_alone() -> None:
    clock = ManualClock()

    async def alternate(_: Call) -> Reply:
        return WELL if inner.sent % 2 else ILL

    inner = Answers(alternate)
    layer, stats = breaker(inner, clock)
    await offer(layer, clock, rate=200, seconds=2)
    assert stats.breaker == "open"
    assert inner.sent == 20


async def test_f14_what_the_caller_did_wrong_never_opens_it() -> None:
    clock = ManualClock()

    async def not_so(_: Call) -> Reply:
        return Reply((404, 401, 422)[inner.sent % 3])

    inner = Answers(not_so)
    layer, stats = breaker(inner, clock)
    for _ in range(10_000):
        await layer.send(call(clock))
    assert (stats.breaker, stats.neutral, stats.bad) == ("closed", 10_000, 0)


async def test_f16_a_service_that_is_slow_at_60_percent_is_left_alone() -> None:
    clock = ManualClock()

    async def slow(_: Call) -> Reply:
        if inner.sent % 5 < 3:
            await clock.sleep(2)
        return WELL

    inner = Answers(slow)
    layer, stats = breaker(inner, clock, timeout=3, breaker={"slow_after": 1})
    tasks = []
    for _ in range(12 * 10):
        tasks.append(asyncio.ensure_future(layer.send(call(clock, 3))))
        await clock.advance(0.1)
        if stats.breaker == "open":
            break
    assert stats.breaker == "open"
    await clock.advance(3)
    assert stats.bad == 0
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_f17_a_thousand_waiting_clients_get_three_trials_between_them() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, stats = await opened(inner, clock)
    held = Held()
    inner.answer = held.send
    await clock.advance(5)
    tasks = [asyncio.ensure_future(layer.send(call(clock))) for _ in range(1000)]
    await turns()
    refused = [task for task in tasks if task.done()]
    assert (held.most, len(refused)) == (3, 997)
    errors = [task.exception() for task in refused]
    assert all(isinstance(error, BreakerOpen) and error.retry_after == 0.8 for error in errors)  # by then the trials have told
    for trial in list(held.in_flight.values()):
        trial.set_result(WELL)
    await turns()
    assert stats.breaker == "closed"


async def test_f48_a_timeout_that_our_own_blocked_loop_made_never_opens_it() -> None:
    async def late(_: Call) -> Reply:
        raise BackendTimeout("shop", ours=True)

    clock = ManualClock()
    layer, stats = breaker(Answers(late), clock)
    for _ in range(100):
        with pytest.raises(BackendTimeout):
            await layer.send(call(clock))
    assert (stats.breaker, stats.neutral) == ("closed", 100)


# What counts.


async def test_each_call_is_counted_once_by_its_verdict_and_timed() -> None:
    clock = ManualClock()

    async def later(_: Call) -> Reply:
        await clock.sleep(0.3)
        return WELL

    inner = Answers(later)
    layer, stats = breaker(inner, clock)
    await clock.drive(layer.send(call(clock)))
    inner.answer = fail
    await layer.send(call(clock))
    inner.answer = refuse
    with pytest.raises(BackendUnreachable):
        await layer.send(call(clock))
    assert (stats.good, stats.neutral, stats.bad) == (1, 0, 2)
    assert stats.latency.count == 3
    assert stats.latency.sum == pytest.approx(0.3)


async def test_calls_that_were_cancelled_are_neutral_and_cancelled_they_stay() -> None:
    clock, held = ManualClock(), Held()
    layer, stats = breaker(held, clock)
    tasks = [asyncio.ensure_future(layer.send(call(clock))) for _ in range(50)]
    await turns()
    for task in tasks:
        task.cancel()
    await turns()
    assert all(task.cancelled() for task in tasks)
    assert (stats.breaker, stats.neutral, stats.latency.count) == ("closed", 50, 0)


async def test_what_a_full_bulkhead_refuses_is_not_the_services_fault() -> None:
    clock, held, stats = ManualClock(), Held(), ServiceStats()
    few = settings(max_in_flight=1, bulkhead={"queue": 0})
    layer = Breaker("shop", Bulkhead("shop", Counted(held, stats), few, stats, clock=clock), few, stats, clock=clock)
    first = asyncio.ensure_future(layer.send(call(clock)))
    await turns()
    for _ in range(100):
        with pytest.raises(BackendBusy):
            await layer.send(call(clock))
    assert (stats.breaker, stats.neutral, stats.busy) == ("closed", 100, 100)
    first.cancel()
    await turns()


async def test_with_the_breaker_off_calls_are_counted_all_the_same() -> None:
    clock, inner = ManualClock(), Answers(fail)
    layer, stats = breaker(inner, clock, breaker={"on": False})
    assert await offer(layer, clock, rate=100, seconds=1) == 0
    assert (stats.breaker, stats.bad) == ("off", 100)


# What is refused.


async def test_an_open_breaker_refuses_at_once_and_says_when_to_come_again() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, stats = await opened(inner, clock)
    await clock.advance(2.04)
    with pytest.raises(BreakerOpen) as refused:
        await layer.send(call(clock))
    assert refused.value.retry_after == 3.0  # of 2.96 s: in tenths, and never early
    assert (inner.sent, stats.breaker_refused, stats.breaker) == (0, 1, "open")


async def test_only_trials_are_marked_as_trials() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, _ = await opened(inner, clock, breaker={"trials": 1})
    await clock.advance(5)
    trial, after = call(clock), call(clock)
    await layer.send(trial)
    await layer.send(after)
    assert (trial.trial, after.trial) == (True, False)


async def test_a_trial_that_is_cancelled_gives_its_place_to_another() -> None:
    clock, inner, held = ManualClock(), Answers(answer), Held()
    layer, stats = await opened(inner, clock, breaker={"trials": 1})
    inner.answer = held.send
    await clock.advance(5)
    for _ in range(20):
        trial = asyncio.ensure_future(layer.send(call(clock)))
        await turns()
        with pytest.raises(BreakerOpen):
            await layer.send(call(clock))
        trial.cancel()
        await turns()
    assert (held.sent, stats.breaker) == (20, "half_open")


# Calls without hope.


async def slow_service(layer: Breaker, inner: Answers, clock: ManualClock, seconds: float, count: int = 50) -> None:
    """Let its record show that calls take so long, and a second pass, after which it is looked at again."""

    async def slow(_: Call) -> Reply:
        await clock.sleep(seconds)
        return WELL

    inner.answer = slow
    for _ in range(count):
        await clock.drive(layer.send(call(clock, 2 * seconds)))
    await clock.advance(1)
    inner.sent = 0


async def test_a_call_that_cannot_be_answered_in_time_is_not_sent() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, stats = breaker(inner, clock)
    await slow_service(layer, inner, clock, 0.2)
    with pytest.raises(Hopeless):
        await layer.send(call(clock, 0.05))
    assert (inner.sent, stats.hopeless, stats.neutral) == (0, 1, 0)
    await clock.drive(layer.send(call(clock, 0.5)))
    assert inner.sent == 1


async def test_skip_hopeless_off_sends_it() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, stats = breaker(inner, clock, skip_hopeless=False)
    await slow_service(layer, inner, clock, 0.2)
    await clock.drive(layer.send(call(clock, 0.05)))
    assert (inner.sent, stats.hopeless) == (1, 0)


async def test_a_call_that_just_fits_is_sent() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, stats = breaker(inner, clock)
    await slow_service(layer, inner, clock, 0.165)  # the median is guessed at 0.2 s, within 0.16 to 0.25
    await clock.drive(layer.send(call(clock, 0.18)))
    assert (inner.sent, stats.hopeless) == (1, 0)


async def held_back(layer: Breaker, clock: ManualClock, calls: int, left: float) -> int:
    """How many of so many calls, one a second, are held back."""
    held = 0
    for _ in range(calls):
        try:
            await layer.send(call(clock, left))
        except Hopeless:
            held += 1
        except BackendTimeout:
            pass
        await clock.advance(1)
    return held


async def test_while_calls_seem_hopeless_one_in_some_seconds_goes_and_sees() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, _ = breaker(inner, clock)
    await slow_service(layer, inner, clock, 0.2)
    inner.answer = time_out
    assert await held_back(layer, clock, 12, 0.05) == 10
    assert inner.sent == 2
    inner.answer = answer  # it is quick now, and nobody knows
    assert await held_back(layer, clock, 12, 0.05) == 5
    inner.answer = time_out  # and slow again
    assert await held_back(layer, clock, 6, 0.05) == 5


async def test_a_service_whose_calls_all_seemed_hopeless_is_asked_again_after_a_minute() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, _ = breaker(inner, clock)
    await slow_service(layer, inner, clock, 0.2)
    inner.answer = time_out
    await held_back(layer, clock, 65, 0.05)
    assert await held_back(layer, clock, 10, 0.05) == 0


async def test_calls_with_little_time_are_not_kept_out_by_those_with_much() -> None:
    clock, ill = ManualClock(), False

    async def work(asked: Call) -> Reply:
        left = asked.deadline.left()
        if ill and left < 0.5:
            raise BackendTimeout("shop")
        await clock.sleep(0.5 if left > 0.5 else 0.005)  # a report takes long, everything else does not
        return WELL

    layer, stats = breaker(Answers(work), clock)

    async def calls(seconds: int) -> None:
        for _ in range(seconds):
            several = [asyncio.ensure_future(layer.send(call(clock, left))) for left in (0.8, 0.8, *[0.3] * 10)]
            await clock.advance(1)
            await asyncio.gather(*several, return_exceptions=True)

    await calls(30)
    ill = True
    await calls(90)
    ill = False
    await calls(10)
    before = stats.hopeless
    assert before > 0
    await calls(60)
    assert stats.hopeless == before


async def test_how_long_we_waited_in_vain_is_not_taken_for_how_long_it_takes() -> None:
    clock = ManualClock()

    async def hang(given: Call) -> Reply:
        await clock.sleep(given.deadline.left())
        raise BackendTimeout("shop")

    inner = Answers(hang)
    layer, stats = breaker(inner, clock, breaker={"on": False})
    for _ in range(50):
        with pytest.raises(BackendTimeout):
            await clock.drive(layer.send(call(clock, 0.8)))
    inner.answer = answer
    await layer.send(call(clock, 0.3))
    assert stats.hopeless == 0
    assert stats.latency.count == 51


async def test_a_spent_deadline_is_left_to_the_wire() -> None:
    clock, inner = ManualClock(), Answers(answer)
    layer, _ = breaker(inner, clock)
    await layer.send(Call("shop", "GET", "/", Deadline(clock.now() - 1, clock.now)))
    assert inner.sent == 1


# A client sets its budget (`Request-Timeout`): it must not be able to keep everybody from a service.


async def time_out(asked: Call) -> Reply:
    raise BackendTimeout("shop", "not in time")


async def timeouts(layer: Breaker, clock: ManualClock, seconds: float) -> None:
    for _ in range(100):
        with suppress(BackendTimeout, BreakerOpen):
            await layer.send(call(clock, seconds))


async def test_timeouts_of_calls_that_were_given_next_to_nothing_open_no_breaker() -> None:
    clock, inner = ManualClock(), Answers(time_out)
    layer, stats = breaker(inner, clock)
    await timeouts(layer, clock, 0.09)
    assert (stats.breaker, stats.neutral) == ("closed", 100)
    await timeouts(layer, clock, 0.11)
    assert stats.breaker == "open"


async def test_what_is_time_enough_is_learnt_from_the_service() -> None:
    clock = ManualClock()

    async def in_200_ms(_: Call) -> Reply:
        await clock.advance(0.2)
        return WELL

    inner = Answers(in_200_ms)
    layer, stats = breaker(inner, clock, skip_hopeless=False)
    for _ in range(30):
        await layer.send(call(clock))
    await clock.advance(2)
    inner.answer = time_out
    await timeouts(layer, clock, 0.15)
    assert (stats.breaker, stats.neutral) == ("closed", 100)
    await clock.advance(10)
    await timeouts(layer, clock, 0.3)  # all that most screens give it: a hang is told within 20 calls
    assert stats.breaker == "open"


def takes(clock: ManualClock, seconds: float) -> Answers:
    """A service that takes so long, and answers 504 at the end of the time that it is told when that is less."""

    async def work(asked: Call) -> Reply:
        left = asked.deadline.left()
        await clock.advance(min(seconds, left))
        return WELL if left >= seconds else Reply(504)

    return Answers(work)


async def learnt(inner: Answers, clock: ManualClock) -> tuple[Breaker, ServiceStats]:
    """A breaker that knows the service, and whose window has forgotten that it was well."""
    layer, stats = breaker(inner, clock, skip_hopeless=False)
    for _ in range(30):
        await layer.send(call(clock))
    await clock.advance(11)
    return layer, stats


@pytest.mark.parametrize(("seconds", "budget"), [(0.038, 0.03), (0.2, 0.18), (0.38, 0.3)])
async def test_timeouts_of_calls_that_had_a_little_less_than_the_service_takes_open_no_breaker(
    seconds: float, budget: float
) -> None:
    clock = ManualClock()
    inner = takes(clock, seconds)
    layer, stats = await learnt(inner, clock)
    inner.answer = time_out
    await timeouts(layer, clock, budget)
    assert stats.breaker == "closed"


async def test_a_backend_that_keeps_to_the_little_time_it_is_told_opens_no_breaker() -> None:
    clock = ManualClock()
    cold, cold_stats = breaker(takes(clock, 0.2), clock)
    await timeouts(cold, clock, 0.05)
    layer, stats = await learnt(takes(clock, 0.2), clock)
    await timeouts(layer, clock, 0.15)
    assert (cold_stats.breaker, cold_stats.neutral, stats.breaker, stats.neutral) == ("closed", 100, "closed", 100)


async def test_a_504_of_a_call_that_had_time_enough_is_bad() -> None:
    clock = ManualClock()
    inner = takes(clock, 0.2)
    layer, stats = await learnt(inner, clock)

    async def give_up(_: Call) -> Reply:
        return Reply(504)

    inner.answer = give_up
    await timeouts(layer, clock, 0.3)
    assert stats.breaker == "open"


async def test_quick_refusals_do_not_teach_that_little_time_is_enough() -> None:
    clock = ManualClock()
    inner = takes(clock, 0.2)
    layer, stats = await learnt(inner, clock)

    async def missing(_: Call) -> Reply:
        await clock.advance(0.002)
        return Reply(404)

    inner.answer = missing
    for _ in range(500):
        await layer.send(call(clock))
    await clock.advance(11)
    inner.answer = time_out
    await timeouts(layer, clock, 0.05)
    assert stats.breaker == "closed"


async def test_a_service_whose_answers_take_nearly_all_that_they_are_given_opens_it_when_half_do_not_come() -> None:
    clock = ManualClock()
    inner = takes(clock, 0.34)
    well = inner.answer
    layer, stats = breaker(inner, clock)
    for _ in range(30):
        await layer.send(call(clock, 0.35))
    for number in range(100):
        inner.answer = time_out if number % 2 else well
        with suppress(BackendTimeout, BreakerOpen):
            await layer.send(call(clock, 0.35))
    assert stats.breaker == "open"
