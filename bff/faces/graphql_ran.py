"""What a root field came to, and who may ask for one: the same for the screens of a query and the actions of a mutation."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from bff.caller import Caller
from bff.composition.outcome import Outcome
from bff.errors import Forbidden
from bff.faces.problems import Problem


@dataclass(frozen=True, slots=True)
class Ran:
    """What one screen or action gave: an object that has what was selected, or the error that stands for it."""

    value: object
    outcomes: Mapping[str, Outcome] = dataclasses.field(default_factory=dict)
    replayed: bool = False


def refuse_stranger(guests: bool, scopes: frozenset[str], caller: Caller) -> None:
    """What `authorize` does for a REST path: here the path is the app's, so each screen and action is asked."""
    if caller.guest and not guests:
        raise Problem("unauthenticated", "this needs an identity")
    if not caller.has(scopes):
        raise Forbidden(sorted(scopes))
