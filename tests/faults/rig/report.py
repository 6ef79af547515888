"""docs/faults.md: each fault, what we do, the numbers to pass and those that were measured."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.rig.backends import ROOT
from tests.faults.rig.rounds import Result
from tests.faults.rig.scenario import number

PAGE = ROOT / "docs" / "faults.md"

_HEAD = """\
# Faults, and what they cost

Written by `make faults`; the scenarios are in `tests/faults/rig/scenarios`, the matrix they come from has the same numbers.
Real backends (one scriptable process), a real `bff serve`, open-loop load (each request is sent when it is due and timed
from then on), all on one machine. A screen has five parts, two of them required; its budget is 1,000 ms, a service's timeout
400 ms; 200 requests a second unless said. Counts and shares are the worst of {rounds} rounds, latencies the median, compared
with the minute before the fault in the same round. {machine}

| fault | what we do | to pass | measured |
|---|---|---|---|
"""
_MUTATED = """
## With the layer switched off

`MUTATE=1 make faults` runs each of them once more without the layer that it proves. A fault that stays green then proves
nothing; each of these went red.

| fault | without | what was missed |
|---|---|---|
"""


def write(results: Sequence[Result], mutants: Sequence[tuple[str, Result]], rounds: int) -> Path:
    """The page, from a whole run; the second table only when there was a mutated one."""
    machine = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}."
    page = _HEAD.format(rounds=rounds, machine=machine) + "".join(map(_row, results))
    if mutants:
        page += _MUTATED + "".join(_mutant_row(layer, result) for layer, result in mutants)
    PAGE.write_text(page)
    return PAGE


def _row(result: Result) -> str:
    scenario = result.scenario
    limits = "; ".join(map(str, scenario.limits))
    told = result.told() if result.passed else f"**{result.told()}**"
    more = "".join(f"<br>`{test}`" for test in scenario.tests)
    return f"| {scenario.number} {scenario.fault} | {scenario.answer}{more} | {limits} | {told} |\n"


def _mutant_row(layer: str, result: Result) -> str:
    missed = "; ".join(f"{limit}: {number(result.figures[limit.name])}" for limit in result.missed)
    told = missed if result.red else f"**not red**: {result.told()}"
    return f"| {result.scenario.number} | {layer} | {told} |\n"
