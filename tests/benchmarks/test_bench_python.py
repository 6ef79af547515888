"""The interpreter that the Python systems of a benchmark are served by."""

import os
import subprocess
import sys

import pytest

from benchmarks import python as chosen


@pytest.fixture(autouse=True)
def _anew() -> None:
    chosen.python.cache_clear()


def test_it_has_the_venvs_packages_and_its_minor_version() -> None:
    told = "import bff, granian, msgspec, sys; print(*sys.version_info[:2])"
    environment = {**os.environ, **chosen.packages()}
    done = subprocess.run([chosen.python(), "-c", told], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(part) for part in sys.version_info[:2]]
    assert chosen.version().startswith(f"Python {done.stdout.split()[0]}.")


def test_who_runs_the_benchmark_may_name_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_PYTHON", "/opt/python/bin/python")
    assert chosen.python() == "/opt/python/bin/python"
