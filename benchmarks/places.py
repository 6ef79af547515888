"""Where everything of a run is: ports on loopback, folders, cores.

The ports are fixed because benchmarks/thali/bff.toml names them; they keep clear of the demo's (8000, 8001, 9101 up).
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
CACHE = ROOT / ".cache"
WORK = CACHE / "bench"

STUB_STATUS_PORT = 9310
STUBS = {
    "users": 9311,
    "orders": 9312,
    "restaurants": 9313,
    "recommendations": 9314,
    "notifications": 9315,
    "posts": 9316,
    "people": 9317,
    "issuer": 9318,  # not a backend: publishes the keys of the bench caller's token
}

# W5: what each service takes to answer, in seconds.
DELAYS = {
    "users": 0.005,
    "orders": 0.010,
    "restaurants": 0.020,
    "recommendations": 0.040,
    "notifications": 0.030,
    "issuer": 0.0,
}

# The system under test has a core of its own; load generator, stubs and the harness share the other.
_cores = sorted(os.sched_getaffinity(0))
SYSTEM_CORE = _cores[0]
LOAD_CORE = _cores[-1]


def origin(service: str) -> str:
    return f"http://127.0.0.1:{STUBS[service]}"


def pinned(core: int, command: list[str]) -> list[str]:
    """The command, kept on one core; `taskset` replaces itself, so the process id is the command's own."""
    return ["taskset", "-c", str(core), *command]
