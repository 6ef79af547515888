"""A screen: what an app fetches in one call."""

import re
from collections.abc import Iterable
from typing import Protocol

from bff.composition.place import place_of_caller
from bff.composition.screen_type import is_screen_type, names_of
from bff.naming import camel
from bff.priority import PRIORITIES, Priority

# A whole second is what a person accepts between a tap and a screen (Nielsen's limit for an unbroken train of thought).
DEFAULT_BUDGET = 1.0

_PARAMETER = re.compile(r"\{([^{}]*)\}")


class Named(Protocol):
    """An app, as far as composition knows it."""

    @property
    def name(self) -> str: ...


class Screen:
    """A path, a template over sections, the apps that have it, and the seconds it may take.

    `template` is an instance of the screen's type whose attributes are `needs(section)` or plain constants. `name` is
    the GraphQL root field and the name for `bff call`; by default the first fixed part of the path. `guests=True` lets
    callers in who have not identified themselves; `scopes` are those a caller must hold to see it at all. `priority` says
    how long it is kept when not all can be served: what people must be able to do on a bad day is `critical`.
    """

    def __init__(
        self,
        path: str,
        template: object,
        *,
        apps: Iterable[Named],
        budget: float = DEFAULT_BUDGET,
        name: str | None = None,
        scopes: Iterable[str] = (),
        guests: bool = False,
        priority: Priority = "normal",
    ) -> None:
        if priority not in PRIORITIES:
            raise ValueError(f"Screen({path!r}): priority={priority!r} is none; give one of {', '.join(PRIORITIES)}")
        self.path = path
        self.template = template
        self.type: type = type(template)
        self.apps = tuple(apps)
        self.budget = budget
        self.name = name or _name_from(path)
        self.scopes = frozenset(scopes)
        self.guests = guests
        self.priority: Priority = priority
        self.parameters: tuple[str, ...] = tuple(_PARAMETER.findall(path))
        self.place = f"{place_of_caller(2)} Screen({path!r})"
        self.__doc__ = self.type.__doc__

    @property
    def given(self) -> dict[str, object]:
        """What the template has for each attribute: `needs(section)`, or a constant. Empty when it is no screen type."""
        if not is_screen_type(self.type):
            return {}
        return {name: getattr(self.template, name) for name in names_of(self.type) if hasattr(self.template, name)}


def _name_from(path: str) -> str:
    fixed = [part for part in path.split("/") if part and not part.startswith("{")]
    return camel(fixed[0].replace("-", "_")) if fixed else "screen"
