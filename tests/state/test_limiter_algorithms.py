"""The ways of counting in this process, against their definitions and against `limits` as the oracle."""

import types
from collections.abc import Callable, Iterator
from typing import Protocol

import limits.storage.memory
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from bff.state.limits_bucket import Bucket
from bff.state.limits_fixed import FixedWindow
from bff.state.limits_policy import Policy, Verdict
from bff.state.limits_sliding import FINE, SlidingWindow


class Counts(Protocol):
    def take(self, key: str, cost: int, shares: int = 1) -> Verdict: ...


class Now:
    """A clock that is set by hand; monotonic and wall at once."""

    def __init__(self, start: float = 6000.0) -> None:
        self.at = start

    def __call__(self) -> float:
        return self.at


# Gaps whose sums never are a whole window: what happens at its very end, in or out, is a matter of definition.
GAPS = st.lists(st.tuples(st.integers(0, 700).map(lambda gap: gap * 0.003), st.integers(1, 3)), max_size=80)


@pytest.fixture(scope="module")
def oracle_clock() -> Iterator[Now]:
    """`limits` reads the time from its module; it takes no clock."""
    now = Now()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits.storage.memory, "time", types.SimpleNamespace(time=now))
        yield now


@settings(max_examples=150, deadline=None)
@given(GAPS, st.integers(1, 12))
def test_the_sliding_window_lets_in_what_the_oracle_lets_in(
    oracle_clock: Now, asked: list[tuple[float, int]], limit: int
) -> None:
    oracle_clock.at = 6000.0
    oracle, item = MovingWindowRateLimiter(limits.storage.memory.MemoryStorage()), RateLimitItemPerSecond(limit)
    ours = SlidingWindow(Policy("p", limit, 1.0), oracle_clock)
    for gap, cost in asked:
        oracle_clock.at += gap
        assert ours.take("key", cost).allowed == oracle.hit(item, "key", cost=cost)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 700).map(lambda gap: gap * 0.003), max_size=80), st.integers(1, 12))
def test_the_fixed_window_lets_in_what_the_oracle_lets_in(oracle_clock: Now, gaps: list[float], limit: int) -> None:
    """The oracle's window begins with its first request, ours with the clock's second: so each second has one of its own."""
    oracle_clock.at = 6000.0
    oracle, item = FixedWindowRateLimiter(limits.storage.memory.MemoryStorage()), RateLimitItemPerSecond(limit)
    ours = FixedWindow(Policy("p", limit, 1.0), oracle_clock)
    for gap in gaps:
        oracle_clock.at += gap
        second = str(int(oracle_clock.at))
        assert ours.take("key", 1).allowed == oracle.hit(item, second)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 400)), max_size=60),
    st.sampled_from([1, 7, FINE, FINE + 1, 1_000, 10_000]),
)
def test_no_window_wherever_it_begins_has_more_than_the_limit(asked: list[tuple[float, int]], limit: int) -> None:
    now = Now()
    ours = SlidingWindow(Policy("p", limit, 1.0), now)
    let_in: list[tuple[float, int]] = []
    for gap, cost in asked:
        now.at += gap
        if ours.take("key", cost).allowed:
            let_in.append((now.at, cost))
    for begin, _ in let_in:
        assert sum(cost for at, cost in let_in if begin <= at and at - begin < 1.0) <= limit


def test_a_sliding_window_of_thousands_gives_its_places_back_within_a_250th() -> None:
    """Steadily at ten times the limit for 30 windows: never more, and not 1 % less (F33)."""
    now, limit = Now(), 1_000
    ours = SlidingWindow(Policy("p", limit, 1.0), now)
    let_in = 0
    for step in range(30 * limit * 10):
        now.at = 6000.0 + step / (limit * 10)
        let_in += ours.take("key", 1).allowed
    assert 30 * limit * 0.99 <= let_in <= 30 * limit


def test_over_the_boundary_the_fixed_window_lets_in_twice_the_limit_and_the_sliding_one_never() -> None:
    now = Now()
    fixed = FixedWindow(Policy("p", 100, 60.0, "fixed"), now)
    sliding = SlidingWindow(Policy("p", 100, 60.0), now)
    both: tuple[Counts, Counts] = (fixed, sliding)
    counts = dict.fromkeys(both, 0)
    for at in (6059.9, 6060.1):
        now.at = at
        for _ in range(150):
            for ours in both:
                counts[ours] += ours.take("key", 1).allowed
    assert counts == {fixed: 200, sliding: 100}


def test_a_bucket_lets_its_burst_in_at_once_and_then_evenly() -> None:
    now = Now()
    bucket = Bucket(Policy("p", 60, 60.0, "bucket", burst=20), now)
    assert [bucket.take("key", 1).allowed for _ in range(25)] == [True] * 20 + [False] * 5
    let_in = 0
    for _ in range(100):
        now.at += 0.1
        let_in += bucket.take("key", 1).allowed
    assert let_in == 10


@pytest.mark.parametrize("interval", [1 / 3, 1.0, 0.0007])
@settings(max_examples=100, deadline=None)
@given(asked=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 3)), max_size=60), burst=st.integers(1, 12))
def test_a_bucket_never_has_more_than_its_burst_and_what_has_flowed_in(
    interval: float, asked: list[tuple[float, int]], burst: int
) -> None:
    now = Now()
    bucket = Bucket(Policy("p", 60, interval * 60, "bucket", burst=burst), now)
    units = float(burst)  # the definition: a bucket that fills by one an interval
    for gap, cost in asked:
        now.at += gap * interval
        units = min(burst, units + gap)
        allowed = bucket.take("key", cost).allowed
        if abs(units - cost) > 0.01:
            assert allowed == (units >= cost)
        units -= cost * allowed


@pytest.fixture(params=["sliding", "sliding, coarse", "bucket", "fixed"])
def counting(request: pytest.FixtureRequest) -> Callable[[Now], Counts]:
    make: dict[str, Callable[[Now], Counts]] = {
        "sliding": lambda now: SlidingWindow(Policy("p", 5, 10.0), now),
        "sliding, coarse": lambda now: SlidingWindow(Policy("p", FINE + 1, 10.0), now),
        "bucket": lambda now: Bucket(Policy("p", 5, 10.0, "bucket", burst=5), now),
        "fixed": lambda now: FixedWindow(Policy("p", 5, 10.0, "fixed"), now),
    }
    return make[str(request.param)]


def test_what_is_refused_is_let_in_after_retry_after_and_not_before(counting: Callable[[Now], Counts]) -> None:
    for cost in (1, 3):
        now = Now(6001.0)
        ours = counting(now)
        while (verdict := ours.take("key", 1)).allowed:
            now.at += 0.01
        verdict = ours.take("key", cost)
        assert not verdict.allowed
        came = now.at
        now.at = came + verdict.retry_after - 0.001
        assert not ours.take("key", cost).allowed
        now.at = came + verdict.retry_after + 0.001
        assert ours.take("key", cost).allowed


def test_there_is_more_after_reset_and_not_before(counting: Callable[[Now], Counts]) -> None:
    now = Now(6001.0)
    ours = counting(now)
    ours.take("key", 1)
    now.at += 0.3
    verdict = ours.take("key", 1)
    came = now.at
    now.at = came + verdict.reset - 0.001
    assert ours.take("key", verdict.remaining + 1).allowed is False
    now.at = came + verdict.reset + 0.001
    assert ours.take("key", verdict.remaining + 1).allowed


def test_what_costs_more_than_the_limit_is_never_let_in(counting: Callable[[Now], Counts]) -> None:
    now = Now()
    ours = counting(now)
    for _ in range(20):
        verdict = ours.take("key", FINE + 2)
        assert not verdict.allowed
        assert verdict.retry_after > 0
        now.at += verdict.retry_after
    assert ours.take("key", 5).allowed


def test_each_of_several_instances_judges_by_its_share(counting: Callable[[Now], Counts]) -> None:
    ours = counting(Now())
    whole = ours.take("all", 1).remaining + 1
    part = ours.take("part", 1, 3).remaining + 1
    assert part == max(1, whole // 3)


def test_a_limit_of_thousands_keeps_a_bounded_log() -> None:
    now = Now()
    ours = SlidingWindow(Policy("p", 10_000, 60.0), now)
    for step in range(10_000):
        now.at = 6000.0 + step * 0.006
        assert ours.take("key", 1).allowed
    assert ours.entries <= FINE + 1


def test_what_shares_an_entry_leaves_with_the_last_of_it() -> None:
    now = Now(6000.0005)
    ours = SlidingWindow(Policy("p", FINE + 1, 1.0), now)
    assert ours.take("key", 1).allowed
    now.at = 6000.0035
    assert ours.take("key", FINE).allowed
    assert ours.entries == 1
    now.at = 6001.0015
    assert not ours.take("key", 2).allowed
    now.at = 6001.0036
    assert ours.take("key", FINE + 1).allowed


def test_what_has_left_the_window_is_kept_no_longer() -> None:
    now = Now()
    ours = SlidingWindow(Policy("p", 100, 1.0), now)
    for _ in range(1_000):
        now.at += 0.1
        ours.take("key", 1)
        assert ours.entries <= 11
    now.at += 0.95
    ours.take("key", 1)
    assert ours.entries == 2


def test_entries_are_bounded_and_those_of_the_key_that_is_asked_for_least_leave() -> None:
    now = Now()
    ours = SlidingWindow(Policy("p", 5, 60.0), now, most_entries=12)
    for key in "aaaaabbbbbccc":
        now.at += 0.01
        ours.take(key, 1)
        assert ours.entries <= 12
    assert ours.take("b", 1).allowed is False
    assert ours.take("a", 1).remaining == 4


def test_keys_are_bounded_and_the_oldest_leave() -> None:
    now = Now()
    ours = SlidingWindow(Policy("p", 3, 60.0), now, most_keys=10, most_entries=12)
    for number in range(1_000):
        now.at += 0.01
        ours.take(f"key {number % 37}", 1)
        assert ours.entries <= 12
    for number in range(3):
        ours.take(f"three of {number}", 3)
    assert [ours.take(f"three of {number}", 1).allowed for number in range(3)] == [False] * 3
    for _ in range(100):
        ours.take("the one who asks most", 1)
    assert ours.entries <= 12


def test_a_charge_that_never_fits_leaves_nothing_behind_and_is_refused_again() -> None:
    now = Now()
    ours = SlidingWindow(Policy("p", 3, 60.0), now)
    for _ in range(2):
        told = ours.take("key", 4)
        assert (told.allowed, told.remaining, told.reset, told.retry_after) == (False, 3, 60.0, 60.0)
        assert ours.entries == 0
    assert ours.take("key", 3).allowed
    now.at += 60.0
    assert not ours.take("key", 4).allowed  # what had been let in has left
    assert ours.take("key", 3).remaining == 0
