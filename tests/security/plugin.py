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


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--security"):
        config.pluginmanager.register(Verdicts(config), "security verdicts")


class Verdicts:
    """Chooses the tests, and gathers how each ended under the numbers of its cases."""

    def __init__(self, config: pytest.Config) -> None:
        asked = str(config.getoption("--security"))
        self._asked = None if asked == "all" else frozenset(asked.split(","))
        self._file = str(config.getoption("--security-verdicts"))
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

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed and report.when != "call":
            return
        cases = next((value for name, value in report.user_properties if name == _CASES), ())
        assert isinstance(cases, (list, tuple))
        for case in cases:
            if self._ends[case].get(report.nodeid) != "failed":  # a red tear-down after a green call is red
                self._ends[case][report.nodeid] = report.outcome

    def pytest_sessionfinish(self) -> None:
        if self._file and not hasattr(self._config, "workerinput"):
            Path(self._file).write_text(json.dumps(self._ends))
