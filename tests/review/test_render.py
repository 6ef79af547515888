"""Moments at the ends of the calendar: what a backend may write, we can pass on."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from bff.composition.render import render


@dataclass
class Page:
    at: datetime


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-5))), "9999-12-31T23:59:59-05:00"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "0001-01-01T00:00:00+02:00"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "9999-12-31T23:59:59Z"),
    ],
)
def test_a_moment_that_has_no_utc_form_keeps_its_own_offset(moment: datetime, text: str) -> None:
    """ "Never" and "unknown" are often written so; they are no reason for a 500."""
    assert orjson.loads(render(Page, None, {"at": moment}, {}))["data"] == {"at": text}
