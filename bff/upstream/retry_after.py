"""A backend's word on when to come back: `Retry-After`, in either form of RFC 9110 section 10.2.3."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from time import time
from typing import Final

from bff.upstream.call import Reply

# Believed up to a day; more is a fault of the backend's clock or of its author.
MAX_RETRY_AFTER: Final = 24 * 3600.0
# More digits than any such time has; float() itself would make an infinity of thousands of them.
_MAX_DIGITS: Final = 9


def retry_after(reply: Reply, wall: Callable[[], float] = time) -> float | None:
    """Seconds from now; None when the header is absent or unreadable. `wall` tells the time of day, for a date in it."""
    raw = reply.header(b"retry-after")
    if raw is None:
        return None
    value = raw.decode("latin-1").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:_MAX_DIGITS]), MAX_RETRY_AFTER)
    try:
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - wall()), MAX_RETRY_AFTER)
    except (ValueError, TypeError, OverflowError):
        return None
