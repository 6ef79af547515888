"""What is left off while there is too much to do: sections that their screens can live without, before anything else."""

from dataclasses import dataclass
from typing import Protocol

from bff.errors import Shed


@dataclass(frozen=True, slots=True)
class Relief:
    """One finding on what presses. `overload`: this process; `saturated`: services whose places are all taken.

    It never changes; who watches the pressure replaces it, and a run keeps to the one that stood when it began.
    """

    overload: bool
    saturated: frozenset[str] = frozenset()

    def sheds(self, services: tuple[str, ...]) -> Shed | None:
        """Why work that calls these services is left off, if it is. Work that calls nobody costs next to nothing."""
        if not services:
            return None
        if self.overload:
            return Shed("overload")
        if self.saturated.issuperset(services):
            return Shed("busy", services[0] if len(services) == 1 else "")
        return None


class Pressure(Protocol):
    """Who watches what presses, as far as a screen knows it."""

    @property
    def relief(self) -> Relief | None:
        """None while nothing presses: the way of a section is then not a step longer."""
        ...


class _Calm:
    relief: Relief | None = None


CALM: Pressure = _Calm()
