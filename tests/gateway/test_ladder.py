"""A level moves one step at a time, slowly in and slowly out."""

from bff.gateway.ladder import FALL, RISE, Ladder

STEP = 0.05


def looked_at(ladder: Ladder, since: float, seconds: float, *, bad: bool = False, well: bool = False) -> float:
    """Look every 50 ms for so long; the moment of the last look."""
    now = since
    for look in range(round(seconds / STEP) + 1):
        now = since + look * STEP
        ladder.look(now, bad=bad, well=well)
    return now


def test_a_second_of_trouble_on_end_is_one_level_and_two_are_two() -> None:
    ladder = Ladder(3)
    now = looked_at(ladder, 100.0, RISE - STEP, bad=True)
    assert ladder.level == 0
    now = looked_at(ladder, now, 2 * STEP, bad=True)
    assert ladder.level == 1
    looked_at(ladder, now, RISE, bad=True)
    assert ladder.level == 2


def test_a_peak_is_no_trouble() -> None:
    ladder = Ladder(3)
    for second in range(10):
        ladder.look(float(second), bad=True, well=False)
        ladder.look(second + 0.5, bad=False, well=False)
    assert ladder.level == 0


def test_it_never_rises_above_its_top() -> None:
    ladder = Ladder(1)
    looked_at(ladder, 0.0, 60, bad=True)
    assert ladder.level == 1


def test_it_falls_only_after_a_time_of_health_on_end() -> None:
    ladder = Ladder(1)
    now = looked_at(ladder, 0.0, RISE + STEP, bad=True)
    now = looked_at(ladder, now, 60)  # neither bad nor well: nothing changes
    assert ladder.level == 1
    now = looked_at(ladder, now, FALL - STEP, well=True)
    ladder.look(now, bad=False, well=False)
    now = looked_at(ladder, now, FALL - STEP, well=True)
    assert ladder.level == 1
    looked_at(ladder, now, 2 * STEP, well=True)
    assert ladder.level == 0


def test_from_the_highest_level_it_falls_step_by_step_and_in_less_than_five_seconds() -> None:
    ladder = Ladder(3)
    now = looked_at(ladder, 0.0, 4 * RISE, bad=True)
    assert ladder.level == 3
    now = looked_at(ladder, now + STEP, FALL + STEP, well=True)
    assert ladder.level == 2
    looked_at(ladder, now, 5 - FALL - 3 * STEP, well=True)
    assert ladder.level == 0
