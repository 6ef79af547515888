"""Which tests hold the clock: they run alone, and once more where they failed (the second half of `make test`)."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent

# Real sockets and processes under budgets of 50 to 300 ms. Beside other tests on two cores a turn is late by as much.
CLOCKED = ("composers/test_demo.py", "composers/test_demo_ordering.py", "faults", "product", "server", "state", "upstream")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    homes = [ROOT / name for name in CLOCKED]
    for item in items:
        if any(item.path.is_relative_to(home) for home in homes):
            item.add_marker(pytest.mark.clocked)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a second run made good is told in full: now and then it is the machine, each time it is us."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.section(f"failed at first: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
