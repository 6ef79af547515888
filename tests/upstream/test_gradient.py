"""The adaptive cap: grows while calls take what they usually take, shrinks when they queue, never without reason."""

from hypothesis import given
from hypothesis import strategies as st

from bff.upstream.gradient import Gradient


def test_it_grows_to_the_most_while_calls_take_what_they_usually_take() -> None:
    gradient = Gradient(20, 100)
    assert gradient.limit == 20
    for _ in range(200):
        gradient.add(0.050, gradient.limit)
    assert gradient.limit == 100


def test_it_does_not_move_while_less_than_half_of_it_is_used() -> None:
    gradient = Gradient(20, 100)
    for _ in range(1000):
        gradient.add(0.050, 9)
    assert gradient.limit == 20


def test_it_shrinks_when_calls_begin_to_queue() -> None:
    gradient = Gradient(10, 100)
    for _ in range(600):
        gradient.add(0.050, gradient.limit)
    for _ in range(50):
        gradient.add(0.250, gradient.limit)
    assert gradient.limit < 30


def test_one_slow_call_moves_it_by_a_tenth() -> None:
    gradient = Gradient(20, 100)
    for _ in range(600):
        gradient.add(0.050, gradient.limit)
    assert gradient.add(5.0, 100) >= 90


def test_one_quick_call_lets_in_no_more_than_the_queue_allows_for() -> None:
    gradient = Gradient(20, 200)
    for _ in range(20):
        gradient.add(0.050, gradient.limit)
    before = gradient.limit
    assert gradient.add(0.001, before) <= before + 1


def test_after_a_slow_spell_the_usual_latency_comes_down_quickly() -> None:
    """Without that a long outage would be the measure for the next 600 calls, and hide that they queue."""
    gradient = Gradient(20, 100)
    for _ in range(2000):
        gradient.add(1.0, 100)
    for _ in range(60):
        gradient.add(0.050, 100)
    for _ in range(50):
        gradient.add(0.400, gradient.limit)
    assert gradient.limit < 100


def test_a_most_below_the_least_is_obeyed() -> None:
    gradient = Gradient(20, 5)
    assert gradient.add(0.01, 5) == 5


@given(st.integers(1, 50), st.integers(1, 200), st.lists(st.tuples(st.floats(0, 100), st.integers(1, 300)), max_size=50))
def test_it_stays_within_its_bounds(least: int, most: int, calls: list[tuple[float, int]]) -> None:
    gradient = Gradient(least, most)
    for seconds, in_flight in calls:
        assert min(least, most) <= gradient.add(seconds, in_flight) <= most
