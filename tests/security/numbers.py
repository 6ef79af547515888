"""Which security cases a test is of: by its name or parameter's id, else by its docstring, else by the references."""

import re
from typing import Final

from tests.security.references import REFERENCES

# S001 in an id, s001 in a function's name; S062, S063 and S093-S098 in a docstring.
_NUMBER: Final = re.compile(r"(?<![A-Za-z0-9])[Ss](\d{3})(?:\s*(?:-|to)\s*[Ss](\d{3}))?(?![0-9])")


def numbers(node: str, docstring: str | None = None) -> tuple[str, ...]:
    """The cases of a test, in order: of its node id (`tests/x.py::test_y[S001 alg none]`) and its function's docstring."""
    file, _, name = node.partition("::")
    found = in_text(name) or in_text(docstring or "")
    for (where, start), cases in REFERENCES.items():
        if file == where and name.startswith(start):
            found |= set(cases)
    return tuple(sorted(found))


def in_text(text: str) -> set[str]:
    """Every number that stands in a text; a range stands for all that it spans."""
    return {f"S{number:03}" for first, last in _NUMBER.findall(text) for number in range(int(first), int(last or first) + 1)}
