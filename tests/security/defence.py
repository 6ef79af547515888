"""A defence, and how the code is made to do without it.

Everywhere else a fake is passed in; a mutation is the code itself gone wrong, so here it is patched: in the tests' own
process and in every gateway that they start (inject/sitecustomize.py).
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Around:
    """What stands instead is made of what stood there."""

    make: Callable[[Any], Any]  # Any: whatever stands there


@dataclass(frozen=True, slots=True)
class Defence:
    """What stands at each place (`module:name` or `module:Class.name`) instead of the defence, and the cases it is for."""

    name: str
    cases: tuple[str, ...]
    instead: Mapping[str, Any] = field(default_factory=dict)  # Any: whatever stands there
    patch: Callable[[], None] | None = None  # for what no such table can say

    def off(self) -> None:
        """Take it away for the life of the process."""
        for place, value in self.instead.items():
            owner, name = found(place)
            there = getattr(owner, name)
            setattr(owner, name, value.make(there) if isinstance(value, Around) else value)
        if self.patch is not None:
            self.patch()


def found(place: str) -> tuple[Any, str]:  # Any: a module or a class
    """Whose attribute a place is, and its name; AttributeError for a defence that has moved: it would stay on."""
    module, _, path = place.partition(":")
    owner = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    getattr(owner, name)
    return owner, name


class Whatever(frozenset[Any]):  # Any: of whatever
    """A set that has everything in it."""

    def __contains__(self, _: object) -> bool:
        return True


def nothing(*_: object, **__: object) -> None:
    """A check that checks nothing."""


async def nothing_later(*_: object, **__: object) -> None:
    """An async check that checks nothing."""


def always(value: object) -> Callable[..., object]:
    return lambda *_, **__: value
