"""`pytest -p tests.security.plugin --security all`: only the tests of security cases, and what came of each case."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from tests.security.numbers import numbers

_CASES = "security cases"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--security", default="", help="numbers of cases (S001,S002), or all")
    parser.addoption("--security-verdicts", default="", help="a file for the verdicts, as JSON")
    parser.addoption("--security-until-red", action="store_true", help="leave a case once a test of it is red")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--security"):
        config.pluginmanager.register(Verdicts(config), "security verdicts")


class Verdicts:
    """Chooses the tests, and gathers how each ended under the numbers of its cases."""

    def __init__(self, config: pytest.Config) -> None:
        asked = str(config.getoption("--security"))
        self._asked = None if asked == "all" else frozenset(asked.split(","))
        self._file = str(config.getoption("--security-verdicts"))
        self._until_red = bool(config.getoption("--security-until-red"))
        self._config = config
        self._ends: defaultdict[str, dict[str, str]] = defaultdict(dict)  # case -> test -> outcome

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen, others = [], []
        for item in items:
            function = getattr(item, "function", None)
            found = numbers(item.nodeid, getattr(function, "__doc__", None))
            wanted = found if self._asked is None else [number for number in found if number in self._asked]
            if wanted:
                item.user_properties.append((_CASES, list(wanted)))  # goes to the main process with the report
                chosen.append(item)
            else:
                others.append(item)
        self._config.hook.pytest_deselected(items=others)
        items[:] = chosen

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._until_red:
            red = [case for case in _cases(item) if "failed" in self._ends[case].values()]
            if len(red) == len(_cases(item)):
                pytest.skip("its cases are red")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed and report.when != "call":
            return
        # What breaks before or behind a test passes nothing, but it is not the test that saw something either.
        outcome = "error" if report.failed and report.when != "call" else report.outcome
        for case in _cases(report):
            if self._ends[case].get(report.nodeid) != "failed":
                self._ends[case][report.nodeid] = outcome

    def pytest_sessionfinish(self) -> None:
        if self._file and not hasattr(self._config, "workerinput"):
            Path(self._file).write_text(json.dumps(self._ends))


def _cases(of: pytest.Item | pytest.TestReport) -> list[str]:
    found = next((value for name, value in of.user_properties if name == _CASES), [])
    assert isinstance(found, (list, tuple))
    return [str(case) for case in found]
