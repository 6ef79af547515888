"""Runs the tests of cases in a pytest of their own, and says what came of each case."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.security.cases import CASES
from tests.security.numbers import in_text
from tests.security.references import REFERENCES

ROOT = Path(__file__).parents[2]
INJECT = Path(__file__).parent / "inject"  # its sitecustomize puts a mutation into every Python process that starts
VARIABLE = "SECURITY_MUTATION"
# What a mutation imports before pytest is there, pytest cannot rewrite the assertions of.
_MUTATED = ["--tb=no", "--security-until-red", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case and its tests, each with how it ended: passed, failed, skipped."""

    case: str
    tests: dict[str, str]

    @property
    def passed(self) -> bool:
        """A case passes when it has a test, and none of them failed or was left out."""
        return bool(self.tests) and all(outcome == "passed" for outcome in self.tests.values())

    @property
    def red(self) -> bool:
        return "failed" in self.tests.values()

    @property
    def told(self) -> str:
        if not self.tests:
            return "no test"
        bad = [test for test, outcome in self.tests.items() if outcome != "passed"]
        return f"{len(self.tests)} passed" if not bad else f"{len(bad)} of {len(self.tests)} not passed: {bad[0]}"


def verdicts(cases: Iterable[str] = (), *, mutation: str = "", jobs: int = 2) -> dict[str, Verdict]:
    """Run the tests of these cases, or of all.

    `mutation` is the defence that is switched off meanwhile: then nothing is shown, and a case is done with its first red.
    """
    quiet = bool(mutation)
    asked = list(cases) or list(CASES)
    with tempfile.TemporaryDirectory(prefix="security-") as folder:
        file = Path(folder) / "verdicts.json"
        environment = dict(os.environ)
        if mutation:
            path = [str(INJECT), *filter(None, [environment.get("PYTHONPATH")])]
            environment |= {VARIABLE: mutation, "PYTHONPATH": os.pathsep.join(path)}
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "tests.security.plugin", "--security", ",".join(asked)),
                *("--security-verdicts", str(file), "-n", str(0 if quiet else jobs), "--dist", "loadfile", "--durations", "0"),
                *("--durations-min", "20", "-q", *(_MUTATED if quiet else ["--tb=short"])),
                *sorted(files(asked)),
            ],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
            check=False,
        )
        found: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.is_file() else {}
        if not found and quiet:
            print(done.stdout[-3000:])  # noqa: T201 - nothing was run: why
    return {case: Verdict(case, found.get(case, {})) for case in asked}


def files(cases: Iterable[str]) -> Iterator[str]:
    """The test files in which one of these cases is named, or which the references name for it."""
    asked = set(cases)
    referred = {file for (file, _), found in REFERENCES.items() if asked & set(found)}
    for file in (ROOT / "tests").rglob("test_*.py"):
        name = str(file.relative_to(ROOT))
        if name in referred or asked & in_text(file.read_text()):
            yield name
