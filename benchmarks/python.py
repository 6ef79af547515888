"""The CPython that every Python system of a run is served by, Thali and its peers alike: the quickest of this machine.

Production runs an optimised build (the image's, Debian's: PGO), as Node's only is; what pyenv builds is none, and takes
1.2 to 1.3 times as long for the same bytecode. $BENCH_PYTHON names another one.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

from benchmarks.places import ROOT

# Calls, attributes, dicts and strings for some 10 ms, five times; prints the best in seconds.
_TASK = """
import time
class Item:
    def __init__(self, n): self.n, self.text = n, str(n)
    def both(self): return {"n": self.n, "text": self.text}
def task(): return sum(len(Item(n).both()["text"]) for n in range(20_000))
def timed():
    began = time.perf_counter(); task(); return time.perf_counter() - began
print(min(timed() for _ in range(5)))
"""
# One that is not so much quicker is not worth leaving the venv for: two looks at one interpreter differ by some per cent.
_WORTH = 1.1


@cache
def python() -> str:
    """Its path. Another one than the venv's runs on the venv's packages, so its minor version is the same."""
    if given := os.environ.get("BENCH_PYTHON"):
        return str(Path(given).absolute())  # each system runs in a folder of its own
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    here = {os.path.realpath(sys.executable): sys.executable}
    for found in (shutil.which(name), f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        if found and Path(found).exists():
            here.setdefault(os.path.realpath(found), found)
    took = {path: seconds for path in here.values() if (seconds := _timed(path)) is not None}
    quickest = min(took, key=lambda path: took[path])
    return quickest if took[sys.executable] / took[quickest] >= _WORTH else sys.executable


def packages() -> dict[str, str]:
    """The variables by which it finds this project and the venv's packages."""
    return {"PYTHONPATH": os.pathsep.join((str(ROOT), sysconfig.get_path("purelib")))}


def version() -> str:
    """Which one it is, for the table."""
    told = subprocess.run([python(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{told} ({python()})"


def _timed(path: str) -> float | None:
    """Seconds that it takes for the task; None when it does not run at all."""
    done = subprocess.run([path, "-c", _TASK], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None
