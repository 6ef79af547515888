"""How long calls take: what is counted since the start, and what quantiles still look at."""

from bisect import bisect_left
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from bff.upstream.latency import BOUNDS, ENOUGH, WINDOW, Latency

NOW = 1000.0


def some(count: int, seconds: float, now: float = NOW) -> Latency:
    latency = Latency()
    for _ in range(count):
        latency.add(seconds, now)
    return latency


def test_a_tail_is_told_once_there_are_enough() -> None:
    assert some(ENOUGH - 1, 0.02).quantile(0.5) is None
    told = some(ENOUGH, 0.02).quantile(0.5)
    assert told is not None
    assert 0.016 <= told <= 0.025


def test_what_got_no_good_answer_is_counted_and_not_looked_at() -> None:
    latency = some(ENOUGH, 0.02)
    before = latency.quantile(0.9)
    for _ in range(100):
        latency.add_failed(3.0)
    assert latency.quantile(0.9) == before
    assert (latency.count, round(latency.sum, 6)) == (ENOUGH + 100, ENOUGH * 0.02 + 300)


def test_quantiles_look_back_on_one_whole_window_and_the_one_that_runs() -> None:
    latency = some(ENOUGH, 0.02)
    latency.add(0.02, NOW + WINDOW)
    assert latency.quantile(0.5) is not None
    latency.add(0.02, NOW + 2 * WINDOW)
    assert latency.quantile(0.5) is None
    assert latency.count == ENOUGH + 2


def test_after_two_windows_without_an_answer_nothing_is_known() -> None:
    latency = some(ENOUGH, 0.02)
    assert latency.quantile(0.5, NOW + 2 * WINDOW - 1) is not None
    assert latency.quantile(0.5, NOW + 2 * WINDOW) is None


def test_counts_of_another_process_are_taken_as_recent() -> None:
    assert Latency.of(some(ENOUGH, 0.02).counts).quantile(0.5) == some(ENOUGH, 0.02).quantile(0.5)


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 100), st.booleans())))
def test_nothing_is_lost_or_counted_twice_however_time_goes(calls: list[tuple[float, float, bool]]) -> None:
    latency, expected = Latency(), [0] * (len(BOUNDS) + 1)
    for (seconds, _, failed), now in zip(calls, accumulate((pause for _, pause, _ in calls), initial=NOW), strict=False):
        expected[bisect_left(BOUNDS, seconds)] += 1
        if failed:
            latency.add_failed(seconds)
        else:
            latency.add(seconds, now)
    assert latency.counts == expected
    assert latency.count == len(calls)
