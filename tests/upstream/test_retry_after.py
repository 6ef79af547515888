"""`Retry-After`: both forms are read, and no more than a day is believed (F15)."""

import pytest

from bff.upstream.call import Reply
from bff.upstream.retry_after import MAX_RETRY_AFTER, retry_after

NOON = 1_900_000_000.0  # Sun, 17 Mar 2030 17:46:40 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"0", 0.0),
        (b"2", 2.0),
        (b" 120 ", 120.0),
        (b"86400", MAX_RETRY_AFTER),
        (b"99999999999999999999999", MAX_RETRY_AFTER),
        (b"Sun, 17 Mar 2030 17:47:10 GMT", 30.0),
        (b"Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        (b"Wed, 21 Oct 9998 07:28:00 GMT", MAX_RETRY_AFTER),
        (b"", None),
        (b"-1", None),
        (b"1.5", None),
        (b"soon", None),
        (b"nan", None),
        (b"\xb2", None),
        (b"Mon, 32 Oct 2099 07:28:00 GMT", None),
        (b"Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
    ],
)
def test_both_forms_are_read_and_no_more_than_a_day_is_believed(header: bytes, seconds: float | None) -> None:
    assert retry_after(Reply(503, [(b"retry-after", header)]), wall=lambda: NOON) == seconds


def test_an_answer_without_it_says_nothing() -> None:
    assert retry_after(Reply(503)) is None
