"""Tests that prove a case and do not name it: (file, how the test's name begins) -> the cases."""

from typing import Final

REFERENCES: Final[dict[tuple[str, str], tuple[str, ...]]] = {}
