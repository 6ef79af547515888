"""`python -m tests.security [S001 S002 ...] [--mutate] [--fuzz SECONDS]`: every case, a table, docs/security.md.

Without cases: all of them and, unless `--fuzz 0`, Schemathesis over both apps; then the page is written. `--mutate` runs
the tests of each defence once more with the defence switched off: each of its cases must go red. Exit code 1 when a case
is not passed or has no test, when a fault was found, or when a defence could go and nobody noticed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.product.world import world
from tests.security import page
from tests.security.cases import CASES
from tests.security.defence import Defence
from tests.security.fuzz import APPS, Fuzzed, fuzz
from tests.security.mutations import DEFENCES
from tests.security.running import Verdict, verdicts

out = Console(highlight=False, soft_wrap=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.security", description=__doc__)
    parser.add_argument("cases", nargs="*", help="some of S001 ... S153; none: all, and the page")
    parser.add_argument("--mutate", action="store_true", help="switch each defence off too: its cases must go red")
    parser.add_argument("--defence", action="append", default=[], help="with --mutate: only these (may be given again)")
    parser.add_argument("--fuzz", type=int, default=120, metavar="SECONDS", help="for each app; 0: not at all")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


def main(asked: argparse.Namespace) -> bool:
    unknown = set(asked.cases) - set(CASES)
    if unknown:
        sys.exit(f"there is no {', '.join(sorted(unknown))}")
    if asked.mutate and asked.defence:
        return _noticed(_mutants(asked))
    found = verdicts(asked.cases, jobs=asked.jobs)
    fuzzed = [] if asked.cases or not asked.fuzz else asyncio.run(fuzz_all(asked.fuzz))
    mutants = _mutants(asked) if asked.mutate else []
    _show(found)
    for one in fuzzed:
        out.print(f"Schemathesis, {one.app}: {one.summary}")
    if not asked.cases:
        out.print(f"written: {page.write(found, fuzzed, mutants)}")
    return all(verdict.passed for verdict in found.values()) and all(one.good for one in fuzzed) and _noticed(mutants)


def _mutants(asked: argparse.Namespace) -> list[tuple[Defence, dict[str, Verdict]]]:
    """The defences, each with what became of its cases without it."""
    wanted = [
        one
        for one in DEFENCES
        if (not asked.defence or one.name in asked.defence) and (not asked.cases or set(one.cases) & set(asked.cases))
    ]
    with ThreadPoolExecutor(asked.jobs) as pool:
        found = pool.map(_mutant, wanted)
        return list(zip(wanted, found, strict=True))


def _mutant(defence: Defence) -> dict[str, Verdict]:
    started = time.monotonic()
    found = verdicts(defence.cases, mutation=defence.name)
    green = [case for case, verdict in found.items() if not verdict.red]
    told = f"[red]NOT RED: {', '.join(green)}[/]" if green else "[green]red, as they must be[/]"
    out.print(f"without {defence.name}: {', '.join(defence.cases)}: {told} ({time.monotonic() - started:.0f} s)")
    return found


def _noticed(mutants: list[tuple[Defence, dict[str, Verdict]]]) -> bool:
    return all(verdict.red for _, found in mutants for verdict in found.values())


async def fuzz_all(seconds: int) -> list[Fuzzed]:
    """Both apps, one after the other, over one product."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        async with world(Path(folder)) as product:
            found = [await fuzz(product, Path(folder), app, seconds=seconds, examples=100) for app in APPS]
    for one in found:
        if not one.good:
            out.print(one.text, markup=False)
    return found


def _show(found: dict[str, Verdict]) -> None:
    table = Table(title="security cases", title_justify="left")
    for column in ("case", "", "verdict", "tests"):
        table.add_column(column, overflow="fold")
    for case, verdict in found.items():
        shown = "[green]passed[/]" if verdict.passed else "[red]NOT PASSED[/]"
        table.add_row(case, escape(CASES[case]), shown, escape(verdict.told))
    out.print(table)
    bad = [case for case, verdict in found.items() if not verdict.passed]
    out.print(f"{len(found) - len(bad)} of {len(found)} cases passed{'; not: ' + ', '.join(bad) if bad else ''}")


if __name__ == "__main__":
    sys.exit(0 if main(_arguments()) else 1)
