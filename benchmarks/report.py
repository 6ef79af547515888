"""What a run says in the end: a table a workload, and all samples in .cache/bench.json."""

import json
import os
import platform
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.places import CACHE
from benchmarks.python import version
from benchmarks.rounds import BASELINE, Line
from benchmarks.tools import node_version
from benchmarks.workloads import Workload

OURS = "thali"
_FEWER = 0.98  # below this share of the calls that a screen needs, requests have shared work


def ratio(line: Line, other: Line) -> float | None:
    """The median of the rounds' own ratios: both were measured within seconds of each other."""
    pairs = [a.cpu_us / b.cpu_us for a, b in zip(line.samples, other.samples, strict=False) if b.cpu_us]
    return median(pairs) if pairs else None


def over(line: Line, lines: Sequence[Line], share: float) -> float | None:
    """W5: milliseconds that the system adds to its slowest backend."""
    slowest = next((each for each in lines if each.label == BASELINE and each.samples), None)
    return line.latency(share) - slowest.latency(share) if slowest and line.samples else None


def measure(line: Line, other: Line, lines: Sequence[Line], workload: Workload) -> float | None:
    """The ratio that the workload's limits speak of: CPU a screen, or for W5 the time added at the median."""
    if workload.name != "w5":
        return ratio(line, other)
    added, theirs = over(line, lines, 0.5), over(other, lines, 0.5)
    return added / theirs if added is not None and theirs else None


def verdicts(workload: Workload, lines: Sequence[Line]) -> list[tuple[str, float | None, float]]:
    """For each limit: the peer, Thali's ratio to it (None when either was not measured), the limit."""
    by_label = {line.label: line for line in lines}
    ours = by_label.get(OURS)
    found = []
    for peer, limit in workload.limits.items():
        other = by_label.get(peer)
        found.append((peer, measure(ours, other, lines, workload) if ours and other else None, limit))
    return found


def print_table(workload: Workload, lines: Sequence[Line], console: Console) -> None:
    references = [workload.reference, *(name for name in workload.limits if name != workload.reference)]
    by_label = {line.label: line for line in lines}
    slow = workload.name == "w5"
    table = Table(title=f"{workload.name.upper()}  {workload.title}", title_justify="left")
    table.add_column("system", no_wrap=True)
    for head in ("CPU us a screen", "from - to", *(("p50 +ms", "p99 +ms") if slow else ("screens/s", "calls"))):
        table.add_column(head, justify="right", no_wrap=True)
    for name in references:
        table.add_column(f"x {name}", justify="right", no_wrap=True)
    table.add_column("")
    for line in lines:
        if line.label == BASELINE:
            continue
        if not line.samples:
            table.add_row(line.label, *[""] * (4 + len(references)), escape(line.reason))
            continue
        costs = [sample.cpu_us for sample in line.samples]
        cells = [line.label, f"{median(costs):,.0f}", f"{min(costs):,.0f} - {max(costs):,.0f}"]
        if slow:
            cells += [f"{over(line, lines, share) or 0:.2f}" for share in (0.5, 0.99)]
        else:
            cells += [f"{line.middle(lambda s: s.per_second):,.0f}", f"{line.middle(lambda s: s.calls):.2f}"]
        for name in references:
            other = by_label.get(name)
            value = measure(line, other, lines, workload) if other else None
            cells.append("" if value is None else f"{value:.2f}")
        table.add_row(*cells, _note(line, workload))
    console.print(table)
    for peer, value, limit in verdicts(workload, lines):
        said = "not measured" if value is None else f"{value:.2f}: {'holds' if value <= limit else 'OVER'}"
        console.print(f"  must be <= {limit:.2f} x {peer}: {said}", highlight=False)


def _note(line: Line, workload: Workload) -> str:
    notes = []
    if bad := sum(sample.bad for sample in line.samples):
        notes.append(f"{bad} bad answers")
    if broken := sum(sample.broken for sample in line.samples):
        notes.append(f"{broken} broken connections")
    if workload.name != "w5" and line.middle(lambda s: s.calls_most) < workload.calls * _FEWER:
        notes.append(f"shares work: {workload.calls} calls expected")
    return "; ".join(notes)


def write(results: Sequence[tuple[Workload, list[Line]]], settings: dict[str, Any]) -> str:
    """Keep every sample; the path of the file."""
    found: dict[str, Any] = {
        "settings": settings,
        "machine": {
            "python": version(),
            "node": node_version(),
            "kernel": platform.release(),
            "cores": os.cpu_count(),
        },
        "workloads": {},
    }
    for workload, lines in results:
        rows: dict[str, Any] = {}
        for line in lines:
            rows[line.label] = {"reason": line.reason} if line.reason else _row(line, lines)
        limits = [{"peer": peer, "ratio": value, "limit": limit} for peer, value, limit in verdicts(workload, lines)]
        found["workloads"][workload.name] = {"title": workload.title, "rows": rows, "limits": limits}
    file = CACHE / "bench.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=1))
    return str(file)


def _row(line: Line, lines: Sequence[Line]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "cpu_us": [round(sample.cpu_us, 2) for sample in line.samples],
        "per_second": [round(sample.per_second, 1) for sample in line.samples],
        "calls": [round(sample.calls, 3) for sample in line.samples],
        "bad": sum(sample.bad for sample in line.samples),
        "broken": sum(sample.broken for sample in line.samples),
    }
    if line.samples and line.samples[0].took:
        row |= {"p50_ms": line.latency(0.5), "p99_ms": line.latency(0.99), "p50_added_ms": over(line, lines, 0.5)}
    return row
