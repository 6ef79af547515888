"""The wait before a crashed worker is started again."""

from bff.server.backoff import LONGEST, STEADY, Backoff


def test_the_first_crash_costs_no_wait_and_a_loop_of_them_ends_at_the_longest() -> None:
    backoff = Backoff(lambda: 0.0)
    waits = []
    for _ in range(2000):
        backoff.crashed(0.0)
        waits.append(backoff.wait())
    assert waits[:5] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == LONGEST


def test_a_worker_that_lived_a_minute_starts_the_story_anew() -> None:
    backoff = Backoff(lambda: 0.0)
    for _ in range(5):
        backoff.crashed(0.0)
    backoff.crashed(STEADY)
    assert backoff.wait() == 0.0


def test_the_wait_runs_out() -> None:
    now = [0.0]
    backoff = Backoff(lambda: now[0])
    backoff.crashed(0.0)
    backoff.crashed(0.0)
    now[0] = 0.4
    assert round(backoff.wait(), 3) == 0.1
    now[0] = 9.0
    assert backoff.wait() == 0.0
