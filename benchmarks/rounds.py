"""One workload: bring the systems up, check them, warm them, then measure them in turns (A B C A B C ...).

Turns, because a machine that slows down for a minute then slows every row alike and ratios of one run stay true.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks import stubs
from benchmarks.checks import check
from benchmarks.latency import percentile, run_open_loop
from benchmarks.load import run_wrk
from benchmarks.places import DELAYS, STUBS, SYSTEM_CORE
from benchmarks.process import NotRunnableError, Served
from benchmarks.systems import Row, System, WrongAnswerError, get
from benchmarks.tools import say
from benchmarks.workloads import CONNECTIONS, Workload

BASELINE = "(slowest backend)"


@dataclass(frozen=True)
class Sample:
    """One round of one row."""

    cpu_us: float = 0.0  # CPU microseconds a screen, user and system time of the whole tree
    per_second: float = 0.0
    calls: float = 0.0  # upstream calls a screen
    calls_most: float = 0.0  # the same, all of them laid to the screens that were finished
    bad: int = 0  # answers of a wrong status
    broken: int = 0  # connections that broke or timed out
    took: tuple[float, ...] = ()  # W5: seconds of each answer


@dataclass
class Line:
    """A row with what was measured, or why it was not."""

    label: str
    samples: list[Sample] = field(default_factory=list)
    reason: str = ""

    def middle(self, of: Callable[[Sample], float]) -> float:
        return median(of(sample) for sample in self.samples)

    def latency(self, share: float) -> float:
        """W5: the percentile over all rounds, in milliseconds."""
        return percentile([each for sample in self.samples for each in sample.took], share) * 1000


def run(workload: Workload, systems: Sequence[System], *, rounds: int, seconds: float, warm: float) -> list[Line]:
    """A line for each row of the workload, in the systems' order."""
    slow = workload.name == "w5"
    lines: list[Line] = []
    with ExitStack() as stack:
        stack.enter_context(stubs.slow() if slow else stubs.nginx())
        ready = list(_brought_up(workload, systems, stack, lines))
        baseline = Line(BASELINE)
        if slow:
            lines.append(baseline)
        for line, row, served in ready:
            say(f"{workload.name} warming {line.label}")
            _sample(row, served, warm, slow)
        for turn in range(rounds):
            for line, row, served in ready:
                sample = _sample(row, served, seconds, slow)
                line.samples.append(sample)
                told = f"{line.label:24} {sample.cpu_us:9.1f} us {_aside(sample)}"
                say(f"{workload.name} round {turn + 1}/{rounds} {told}")
            if slow:
                service = max(DELAYS, key=lambda name: DELAYS[name])
                took = run_open_loop(get(f"/{service}"), STUBS[service], seconds)
                baseline.samples.append(Sample(took=tuple(took)))
    return lines


def _brought_up(
    workload: Workload, systems: Sequence[System], stack: ExitStack, lines: list[Line]
) -> Iterator[tuple[Line, Row, Served]]:
    for system in systems:
        rows = [row for row in system.rows if row.workload == workload.name]
        if not rows:
            continue
        served, reason = None, system.need()
        if reason is None:
            say(f"{workload.name} starting {system.name}")
            try:
                served = stack.enter_context(
                    Served(system.name, system.command(), system.port, core=SYSTEM_CORE, cwd=system.cwd, env=system.env)
                )
            except NotRunnableError as error:
                reason = f"not runnable: {error}"
        for row in rows:
            line = Line(row.label, reason=reason or "")
            lines.append(line)
            if served is None:
                continue
            try:
                check(row, system.port, workload)
            except WrongAnswerError as error:
                words = served.died() if error.silent else None
                line.reason = f"not runnable: {words}" if words else f"wrong answer: {error}"
                say(f"{row.label}: {line.reason}")
            else:
                yield line, row, served


def _sample(row: Row, served: Served, seconds: float, slow: bool) -> Sample:
    if slow:
        cpu = served.cpu_seconds()
        took = run_open_loop(row.request, served.port, seconds)
        cpu = served.cpu_seconds() - cpu
        return Sample(cpu_us=cpu / len(took) * 1e6, per_second=len(took) / seconds, took=tuple(took))
    calls, cpu = stubs.requests_counted(), served.cpu_seconds()
    count = run_wrk(row, served.port, seconds)
    cpu, calls = served.cpu_seconds() - cpu, stubs.requests_counted() - calls - 1  # less the counter's own question
    # What was under way when wrk stopped has used CPU too: on average half of what an answer takes. It matters only to
    # rows so slow that the connections' own last requests are a good part of the round.
    answers = count.requests + CONNECTIONS / 2
    return Sample(
        cpu_us=cpu / answers * 1e6,
        per_second=count.requests / count.seconds,
        calls=calls / answers,
        calls_most=calls / max(1, count.requests),
        bad=count.bad,
        broken=count.broken,
    )


def _aside(sample: Sample) -> str:
    if sample.took:
        return f"p50 {percentile(sample.took, 0.5) * 1000:.1f} ms"
    return f"{sample.per_second:8.0f}/s" + (f" {sample.bad} BAD, {sample.broken} BROKEN" if sample.bad or sample.broken else "")
