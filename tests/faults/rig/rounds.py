"""Rounds of a scenario and the verdict over them: counts and invariants by the worst one, latencies by the median."""

import asyncio
from dataclasses import dataclass, replace

from tests.faults.rig.rig import Rig
from tests.faults.rig.scenario import Figures, Limit, Scenario, Without, number, unit

# A scenario takes a minute at most; one that hangs must not take the others with it.
LONGEST_ROUND = 180.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a scenario's rounds came to. `broken` tells of a round that gave no figures."""

    scenario: Scenario
    figures: dict[str, float]
    broken: str = ""

    @property
    def missed(self) -> list[Limit]:
        """The limits that were not held."""
        return [limit for limit in self.scenario.limits if not limit.passes(self.figures.get(limit.name, float("nan")))]

    @property
    def passed(self) -> bool:
        return not self.broken and not self.missed

    @property
    def red(self) -> bool:
        """Whether a number was missed. A round that gave no figures proves nothing."""
        return not self.broken and bool(self.missed)

    def told(self) -> str:
        """The figures, in the order of the limits."""
        if self.broken:
            return self.broken
        parts = [f"{limit.name} {number(self.figures[limit.name])}{unit(limit.unit)}" for limit in self.scenario.limits]
        return "; ".join(parts)


async def rounds(rig: Rig, scenario: Scenario, count: int, without: Without | None = None) -> Result:
    """Run it so many times, each from a clean start; `without` is what is switched off in all of them."""
    found: list[Figures] = []
    for _ in range(min(count, scenario.rounds)):
        await rig.backends.reset()
        try:
            async with asyncio.timeout(LONGEST_ROUND):
                found.append(await scenario.run(replace(rig, without=without)))
        except Exception as error:  # noqa: BLE001 - told in the table; the other scenarios go on
            return Result(scenario, {}, f"{type(error).__name__}: {error}".splitlines()[0][:200])
    return Result(
        scenario,
        {limit.name: limit.of_rounds([figures[limit.name] for figures in found]) for limit in scenario.limits},
    )
