"""A copy of this project in a folder of its own, in which commands can be run for real."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("backends", "bff", "clients", "composers", "contract_tests", "schemas", "tests", "docs")
FILES = ("pyproject.toml", "bff.toml", "Makefile", "README.md", "requirements.lock", "requirements-dev.lock")
SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc")


def copy_to(folder: Path) -> Path:
    """The project as it stands, its `.venv` that of this process, its demo's data those of this one."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=SKIPPED)
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")  # its paths are relative: 3 s in place of 20
    _link_environment(folder / ".venv")
    return folder


def _link_environment(folder: Path) -> None:
    folder.mkdir()
    for found in Path(sys.prefix).iterdir():
        if not found.name.startswith("."):
            (folder / found.name).symlink_to(found)
    for mark in (".run", ".dev"):  # what make looks at: nothing is to be installed
        (folder / mark).touch()


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell there, as a reader would; its output is in `stdout`, errors among it."""
    environment = {
        **os.environ,
        "THALI_DATA": str(ROOT / ".cache" / "backends"),
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",  # the copy's own bff, not the one that is installed
        "COLUMNS": "200",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }
    return subprocess.run(
        command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
