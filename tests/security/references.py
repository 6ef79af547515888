"""Tests that prove a case and do not name it: (file, how the test's name begins) -> the cases."""

from typing import Final

REFERENCES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    # Each sends a second request behind the refused one, on the same connection.
    ("tests/security/test_parsing.py", "test_what_is_malformed_is_refused_and_its_connection_closed"): ("S088",),
}
