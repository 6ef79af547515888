"""docs/security.md: each case, its verdict, and the tests that prove it; each defence, and what went red without it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.security.cases import CASES
from tests.security.defence import Defence
from tests.security.fuzz import Fuzzed
from tests.security.mutations import held_by
from tests.security.running import ROOT, Verdict

PAGE = ROOT / "docs" / "security.md"
MOST_NAMED = 3  # tests of a case; the others are counted

_HEAD = """\
# Security cases, and what they come to

Written by `make security` ({date}). The tests stand under `tests`, over real sockets wherever the network has a say. A case
passes with the stated answer, no call to a backend unless noted, no stack trace in it, and one line in the access log that
tells who was refused and why, without a secret. {passed} of {all} passed.

The last column names what holds a case, as the mutations do (`tests/security/mutations.py`): `make security MUTATE=1` takes
each away once, and its cases must go red. Where nothing can be taken away, it says why.

| case | | verdict | tests | held by |
|---|---|---|---|---|
"""
_FUZZED = """
## Schemathesis

Both apps' OpenAPI documents, asked of the running product: valid and invalid data, and sequences along the links.

| app | outcome |
|---|---|
"""
_MUTATED = """
## With the defence switched off

`python -m tests.security --mutate` runs the tests of each defence without it. A case that stays green then proves nothing.

| defence | went red |
|---|---|
"""


def write(
    found: Mapping[str, Verdict], fuzzed: Sequence[Fuzzed], mutants: Sequence[tuple[Defence, Mapping[str, Verdict]]]
) -> Path:
    """The page, from a whole run; the last two tables only when there was such a run."""
    passed = sum(verdict.passed for verdict in found.values())
    text = _HEAD.format(date=f"{datetime.now(UTC):%Y-%m-%d}", passed=passed, all=len(found))
    text += "".join(_row(case, verdict) for case, verdict in found.items())
    if fuzzed:
        text += _FUZZED + "".join(f"| {one.app} | {one.summary} |\n" for one in fuzzed)
    if mutants:
        text += _MUTATED + "".join(_mutant_row(defence, told) for defence, told in mutants)
    PAGE.write_text(text)
    return PAGE


def _row(case: str, verdict: Verdict) -> str:
    names = list(dict.fromkeys(re.sub(r"\[.*", "", test, flags=re.DOTALL) for test in verdict.tests))
    shown = "<br>".join(f"`{name}`" for name in names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        shown += f"<br>and {len(names) - MOST_NAMED} more"
    title = CASES[case].replace("|", "\\|")
    return f"| {case} | {title} | {'passed' if verdict.passed else '**' + verdict.told + '**'} | {shown} | {held_by(case)} |\n"


def _mutant_row(defence: Defence, found: Mapping[str, Verdict]) -> str:
    red = [case for case, verdict in found.items() if verdict.red]
    green = [case for case, verdict in found.items() if not verdict.red]
    return f"| {defence.name} | {', '.join(red)}{'; **not red: ' + ', '.join(green) + '**' if green else ''} |\n"
