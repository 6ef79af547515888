"""What a breaker looks back on: sums over the last seconds that forget by the bucket."""

from hypothesis import given
from hypothesis import strategies as st

from bff.upstream.breaker_window import Window


def test_what_is_older_than_the_window_is_forgotten() -> None:
    window = Window(10)
    for second in range(20):
        window.add(1000.0 + second, bad=second < 10, slow=False)
    assert (window.calls, window.bad) == (10, 0)


def test_a_long_pause_forgets_everything() -> None:
    window = Window(10)
    for _ in range(7):
        window.add(1000.0, bad=True, slow=True)
    window.add(1100.0, bad=False, slow=False)
    assert (window.calls, window.bad, window.slow) == (1, 0, 0)


def test_calls_that_come_seldom_are_forgotten_in_time_too() -> None:
    window = Window(10)
    for count in range(20):
        window.add(1000.0 + 1.5 * count, bad=True, slow=True)
    assert window.calls <= 7


def test_a_window_under_a_second_is_one_bucket() -> None:
    window = Window(0.5)
    window.add(1000.0, bad=True, slow=False)
    window.add(1000.4, bad=True, slow=False)
    window.add(1000.6, bad=False, slow=False)
    assert (window.calls, window.bad) == (1, 0)


@given(
    st.sampled_from([0.5, 1.0, 2.5, 10.0]),
    st.lists(st.tuples(st.floats(0, 2) | st.floats(0, 30), st.booleans(), st.booleans()), max_size=60),
)
def test_it_holds_what_ended_within_the_window_give_or_take_one_bucket(
    seconds: float, calls: list[tuple[float, bool, bool]]
) -> None:
    window, now, past = Window(seconds), 1000.0, []
    for pause, bad, slow in calls:
        now += pause
        window.add(now, bad, slow)
        past.append((now, bad, slow))
    surely = [one for one in past if one[0] > now - seconds + min(1.0, seconds) + 1e-6]
    perhaps = [one for one in past if one[0] >= now - seconds - 1e-6]
    assert len(surely) <= window.calls <= len(perhaps)
    assert sum(bad for _, bad, _ in surely) <= window.bad <= sum(bad for _, bad, _ in perhaps)
    assert sum(slow for _, _, slow in surely) <= window.slow <= sum(slow for _, _, slow in perhaps)
