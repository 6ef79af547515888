"""What the harness concludes from its samples."""

from benchmarks.report import OURS, over, ratio, verdicts
from benchmarks.rounds import BASELINE, Line, Sample
from benchmarks.workloads import WORKLOADS

W1 = next(workload for workload in WORKLOADS if workload.name == "w1")
W5 = next(workload for workload in WORKLOADS if workload.name == "w5")


def _line(label: str, *costs: float) -> Line:
    return Line(label, [Sample(cpu_us=cost) for cost in costs])


def test_a_ratio_is_taken_within_each_round_so_a_slow_minute_does_not_move_it() -> None:
    assert ratio(_line("a", 100, 300, 100), _line("b", 200, 600, 200)) == 0.5


def test_a_limit_holds_or_not_and_is_open_while_a_row_is_missing() -> None:
    lines = [_line(OURS, 100), _line("fastify", 200), Line("fastapi-aiohttp", reason="not installed")]
    assert verdicts(W1, lines) == [
        ("fastify", 0.5, 0.55),
        ("fastapi-aiohttp", None, 0.25),
        ("thali (bare wire)", None, 1.25),
    ]


def test_w5_compares_what_is_added_to_the_slowest_backend() -> None:
    def took(label: str, milliseconds: float) -> Line:
        return Line(label, [Sample(took=(milliseconds / 1000,) * 10)])

    lines = [took(OURS, 41), took("fastify", 42), took(BASELINE, 40)]
    assert abs((over(lines[0], lines, 0.5) or 0) - 1.0) < 1e-6
    ((peer, value, _),) = verdicts(W5, lines)
    assert peer == "fastify"
    assert abs((value or 0) - 0.5) < 1e-6
