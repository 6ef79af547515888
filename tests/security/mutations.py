"""Each defence, how it is switched off, and the cases that must then go red.

Everywhere else a fake is passed in; a mutation is the code itself gone wrong, so here it is patched: in the tests' own
process and in every gateway that they start (inject/sitecustomize.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Defence:
    """`off` patches it away for the life of the process."""

    name: str
    cases: tuple[str, ...]
    off: Callable[[], None]


def switch_off(name: str) -> None:
    """Take the named defence away, in this process."""
    next(one for one in DEFENCES if one.name == name).off()


DEFENCES: Final[tuple[Defence, ...]] = ()
