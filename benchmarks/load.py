"""Closed-loop load by wrk: how many answers a row gave in so many seconds."""

import re
import subprocess
from dataclasses import dataclass

from benchmarks.places import LOAD_CORE, WORK, pinned
from benchmarks.systems import Row
from benchmarks.workloads import CONNECTIONS

_SCRIPT = """\
wrk.method = {method}
wrk.body = {body}
{headers}
function done(summary, latency, requests)
  local e = summary.errors
  local broken = e.connect + e.read + e.write + e.timeout
  io.write(string.format("COUNTED %d %d %d %d\\n", summary.requests, summary.duration, e.status, broken))
end
"""


@dataclass(frozen=True)
class Count:
    requests: int
    seconds: float
    bad: int  # answers outside 2xx and 3xx
    broken: int  # connections refused, cut or timed out; either kind spoils the round


def run_wrk(row: Row, port: int, seconds: float, connections: int = CONNECTIONS) -> Count:
    """Every request is the same bytes, so wrk builds it once and its core is left to the stubs."""
    request = row.request
    script = WORK / "wrk.lua"
    script.write_text(
        _SCRIPT.format(
            method=_lua(request.method),
            body=_lua(request.body) if request.body else "nil",
            headers="\n".join(f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in request.headers),
        )
    )
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "15s", "-s", str(script)]
    done = subprocess.run(
        pinned(LOAD_CORE, [*command, f"http://127.0.0.1:{port}{request.path}"]),
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"COUNTED (\d+) (\d+) (\d+) (\d+)", done.stdout)
    if found is None:
        raise RuntimeError(f"wrk gave no count: {done.stdout} {done.stderr}")
    requests, microseconds, statuses, broken = (int(text) for text in found.groups())
    return Count(requests, microseconds / 1e6, statuses, broken)


def _lua(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
