"""The budget of extra attempts: what is earned, what is always allowed, and that nothing is saved up (F23)."""

import pytest

from bff.upstream.budget import WINDOW, Budget

NOW = 1000.0


def spent(budget: Budget, now: float = NOW, tries: int = 1000) -> int:
    return sum(budget.spend(now) for _ in range(tries))


@pytest.mark.parametrize(("first", "extra"), [(0, 0), (9, 0), (10, 1), (19, 1), (100, 10)])
def test_first_attempts_earn_their_share_of_extra_ones(first: int, extra: int) -> None:
    budget = Budget(0.1, 0, NOW)
    for _ in range(first):
        budget.earn(NOW)
    assert spent(budget) == extra


def test_a_quiet_service_has_its_floor() -> None:
    budget = Budget(0.1, 1.5, NOW)
    assert spent(budget) == 15


def test_what_was_spent_is_had_again_when_the_window_has_passed() -> None:
    budget = Budget(0, 1, NOW)
    assert spent(budget) == WINDOW
    assert spent(budget, NOW + WINDOW) == 0
    assert spent(budget, NOW + WINDOW + 1) == WINDOW


@pytest.mark.parametrize("later", [WINDOW + 1, 10 * WINDOW + 3])
def test_what_was_earned_is_not_saved_beyond_the_window(later: int) -> None:
    budget = Budget(0.1, 0, NOW)
    for _ in range(1000):
        budget.earn(NOW)
    assert spent(budget, NOW + later) == 0


def test_f23_no_ten_seconds_of_a_storm_have_more_extra_attempts_than_were_earned() -> None:
    now = NOW + 0.37  # seconds of the window are not those of the clock
    budget = Budget(0.1, 1, now)
    first, extra = [0] * 60, [0] * 60
    for second in range(60):
        for _ in range(0 if 20 <= second < 30 else 500):  # a storm, a silence, and a storm
            budget.earn(now + second)
            first[second] += 1
            extra[second] += budget.spend(now + second)
    for begin in range(50):
        window = slice(begin, begin + WINDOW)
        before = first[begin - 1] if begin else 0
        assert sum(extra[window]) <= 0.1 * (sum(first[window]) + before) + WINDOW
    assert sum(extra) / sum(first) > 0.09, "it would be no budget if nothing were allowed"
