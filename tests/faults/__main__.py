"""`python -m tests.faults [F01 F12 ...] [--rounds N] [--mutate]`: run the faults, show a table, write docs/faults.md.

Exit code 1 when a fault was not passed, or when one did not fail without the layer that it is there to prove.
"""

import argparse
import sys
import time
from dataclasses import replace

import uvloop
from rich.console import Console
from rich.table import Table

from tests.faults.rig import report
from tests.faults.rig.proof import proof
from tests.faults.rig.rig import Rig, rig
from tests.faults.rig.rounds import Result, rounds
from tests.faults.rig.scenario import Scenario
from tests.faults.rig.scenarios import ALL

out = Console(highlight=False, soft_wrap=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("faults", nargs="*", help=f"some of {' '.join(one.number for one in ALL)}; none: all, and the page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--brief", action="store_true", help="short rounds, as in `make test`")
    parser.add_argument("--mutate", action="store_true", help="run each without its layer too: it must go red")
    return parser.parse_args()


async def main(asked: argparse.Namespace) -> bool:
    unknown = set(asked.faults) - {one.number for one in ALL}
    if unknown:
        sys.exit(f"there is no {', '.join(sorted(unknown))}")
    chosen = [one for one in ALL if not asked.faults or one.number in asked.faults]
    results: list[Result] = []
    mutants: list[tuple[str, Result]] = []
    async with rig(brief=asked.brief) as running:
        if not asked.brief:  # brief rounds are for seeing whether a fault strikes
            try:
                out.print(await proof(running.backends))
            except RuntimeError as busy:
                sys.exit(str(busy))
        for scenario in chosen:
            results.append(await _passing(running, scenario, asked.rounds))
            if asked.mutate:
                mutants += await _mutated(running, scenario)
    good = all(result.passed for result in results) and all(result.red for _, result in mutants)
    _show(results, mutants)
    if not asked.faults and not asked.brief:
        out.print(f"written: {report.write(results, mutants, asked.rounds)}")
    return good


async def _passing(running: Rig, scenario: Scenario, count: int) -> Result:
    started = time.monotonic()
    out.print(f"{scenario.number} {scenario.fault} ...")
    result = await rounds(running, scenario, count)
    colour = "green" if result.passed else "red"
    out.print(
        f"  [{colour}]{'passed' if result.passed else 'MISSED'}[/] in {time.monotonic() - started:.0f} s: {result.told()}"
    )
    return result


async def _mutated(running: Rig, scenario: Scenario) -> list[tuple[str, Result]]:
    """One short round a layer: what goes red there would in a long one."""
    found = []
    for without in scenario.without:
        result = await rounds(replace(running, brief=True), scenario, 1, without)
        colour = "green" if result.red else "red"
        seen = "red, as it must be" if result.red else "NOT RED"
        out.print(f"  without {without.layer}: [{colour}]{seen}[/]: {result.told()}")
        found.append((without.layer, result))
    return found


def _show(results: list[Result], mutants: list[tuple[str, Result]]) -> None:
    table = Table(title="faults", title_justify="left")
    for column in ("fault", "", "to pass", "measured", "without its layer"):
        table.add_column(column, overflow="fold")
    for result in results:
        scenario = result.scenario
        gone = [f"{layer}: {'red' if one.red else 'not red!'}" for layer, one in mutants if one.scenario is scenario]
        table.add_row(
            f"{scenario.number} {scenario.fault}",
            "[green]passed[/]" if result.passed else "[red]MISSED[/]",
            "\n".join(map(str, scenario.limits)),
            result.told().replace("; ", "\n"),
            "\n".join(gone),
        )
    out.print(table)


if __name__ == "__main__":
    sys.exit(0 if uvloop.run(main(_arguments())) else 1)
