"""A service is full when calls wait for it, when no place is left, or when one was refused in the last second."""

import pytest

from bff.gateway.saturation import REMEMBERED, Saturation
from bff.upstream.stats import ServiceStats

VITAL = frozenset({"orders"})


@pytest.mark.parametrize(
    ("stats", "full"),
    [
        (ServiceStats(limit=10, in_flight=9), False),
        (ServiceStats(limit=10, in_flight=10), True),
        (ServiceStats(limit=10, in_flight=3, queued=1), True),
        (ServiceStats(limit=0, in_flight=0), False),  # nothing has told its limit yet
    ],
)
def test_it_is_full_while_calls_wait_or_no_place_is_left(stats: ServiceStats, full: bool) -> None:
    saturation = Saturation({"orders": stats}, VITAL)
    assert saturation.look(100.0) == (VITAL if full else frozenset())
    stats.in_flight = stats.queued = 0
    assert saturation.look(100.05) == frozenset()


def test_a_refused_call_is_remembered_for_a_second() -> None:
    stats = ServiceStats(limit=10, busy=0)
    saturation = Saturation({"orders": stats}, VITAL)
    stats.busy = 7
    assert saturation.look(100.0) == VITAL
    assert saturation.look(100.0 + REMEMBERED - 0.01) == VITAL
    assert saturation.look(100.0 + REMEMBERED) == frozenset()
    stats.busy = 8
    assert saturation.look(102.0) == VITAL


def test_a_service_that_nothing_depends_on_is_left_to_its_own_limit() -> None:
    full = ServiceStats(limit=1, in_flight=1)
    assert Saturation({"orders": full, "reviews": full}, VITAL).look(100.0) == VITAL
