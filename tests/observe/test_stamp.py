"""The wall clock as text."""

from bff.observe.stamp import Stamp


def test_it_is_rfc_3339_in_utc_to_the_millisecond() -> None:
    now = [1_763_900_000.0]
    stamp = Stamp(lambda: now[0])
    assert stamp() == "2025-11-23T12:13:20.000Z"
    now[0] += 0.0625
    assert stamp() == "2025-11-23T12:13:20.062Z"
    now[0] += 59.9375
    assert stamp() == "2025-11-23T12:14:20.000Z"
    now[0] -= 60  # a wall clock may be set back
    assert stamp() == "2025-11-23T12:13:20.000Z"
