"""What a scenario is: a fault, what we do about it, the numbers to pass, and what is switched off to see it fail."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Literal

from tests.faults.rig.toml import Settings

if TYPE_CHECKING:
    from tests.faults.rig.rig import Rig

Figures = Mapping[str, float]  # by the names of the scenario's limits, in their units
Run = Callable[["Rig"], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Limit:
    """One number to pass. Of several rounds a count or a share is the worst one, a latency the median."""

    name: str
    bound: float
    unit: str = ""
    side: Literal["most", "least"] = "most"
    kind: Literal["count", "latency"] = "count"

    def passes(self, figure: float) -> bool:
        return figure <= self.bound if self.side == "most" else figure >= self.bound

    def of_rounds(self, figures: list[float]) -> float:
        if self.kind == "latency":
            return median(figures)
        return max(figures) if self.side == "most" else min(figures)

    def __str__(self) -> str:
        return f"{self.name} {'≤' if self.side == 'most' else '≥'} {number(self.bound)}{unit(self.unit)}"


def most(name: str, bound: float, unit: str = "") -> Limit:
    """A count, a share or an invariant that must never be above `bound`."""
    return Limit(name, bound, unit)


def least(name: str, bound: float, unit: str = "") -> Limit:
    """A count or a share that must never be below `bound`."""
    return Limit(name, bound, unit, "least")


def latency(name: str, bound: float, unit: str = "ms") -> Limit:
    """A time that must not be above `bound` in the median round: one noisy round of a shared machine tells nothing."""
    return Limit(name, bound, unit, kind="latency")


def number(value: float) -> str:
    """As a person writes it: three digits that matter."""
    if value != value or value in (float("inf"), float("-inf")):
        return "none" if value != value else "∞"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def unit(text: str) -> str:
    return text if text == "%" or not text else f" {text}"


@dataclass(frozen=True, slots=True)
class Without:
    """A layer taken away: by settings of every service, by others of bff.toml, or by a change of code (mutations.py)."""

    layer: str
    service: Settings = field(default_factory=dict)
    more: Settings = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of docs/faults.md. `tests` prove more of it elsewhere; `rounds` are enough, however many are asked for."""

    number: str
    fault: str
    answer: str
    limits: tuple[Limit, ...]
    without: tuple[Without, ...]
    run: Run
    tests: tuple[str, ...] = ()
    rounds: int = 3


def scenario(
    number: str,
    *,
    fault: str,
    answer: str,
    limits: tuple[Limit, ...],
    without: tuple[Without, ...],
    tests: tuple[str, ...] = (),
    rounds: int = 3,
) -> Callable[[Run], Scenario]:
    """Make an async function that measures the limits' figures a scenario."""
    return lambda run: Scenario(number, fault, answer, limits, without, run, tests, rounds)
