"""Traces on their way out: sent by a thread, bounded, and never waited for."""

import threading
from collections.abc import Sequence
from time import monotonic

from bff.observe.kept import KeptTrace
from bff.observe.traces import BATCH, MOST_WAITING, TraceExport

PATIENCE = 10.0


class Collector:
    """A collector that takes, refuses or hangs."""

    def __init__(self, *, takes: bool = True) -> None:
        self.batches: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self.got = threading.Event()
        self._takes = takes

    def send(self, traces: Sequence[KeptTrace]) -> bool:
        self.got.set()
        self.open.wait(PATIENCE)
        self.batches.append(len(traces))
        return self._takes

    def close(self) -> None:
        self.open.set()


def trace() -> KeptTrace:
    return KeptTrace("a" * 32, "", "r", "web", "/a", "GET", 200, 0, 0.0, 1.0, (), ())


def test_traces_are_sent_together() -> None:
    collector = Collector()
    export = TraceExport(lambda: collector, gather=PATIENCE)
    for _ in range(BATCH + 10):
        export.offer(trace())
    export.close(PATIENCE)
    assert collector.batches == [BATCH, 10]
    assert (export.exported, export.failed, export.dropped) == (BATCH + 10, 0, 0)


def test_one_trace_waits_no_longer_than_told_for_company() -> None:
    collector = Collector()
    export = TraceExport(lambda: collector, gather=0.01)
    export.offer(trace())
    assert collector.got.wait(PATIENCE)
    export.close(PATIENCE)


def test_a_collector_that_hangs_costs_nothing_and_what_does_not_fit_is_counted() -> None:
    collector = Collector()
    collector.open.clear()
    export = TraceExport(lambda: collector, gather=0.0)
    export.offer(trace())
    assert collector.got.wait(PATIENCE)  # the thread is in it now
    began = monotonic()
    for _ in range(MOST_WAITING + 100):
        export.offer(trace())
    assert monotonic() - began < 1.0
    assert export.dropped == 100
    collector.open.set()
    export.close(PATIENCE)
    assert export.exported == MOST_WAITING + 1


def test_what_a_collector_does_not_take_is_counted_and_not_kept() -> None:
    export = TraceExport(lambda: Collector(takes=False))
    export.offer(trace())
    export.close(PATIENCE)
    assert (export.exported, export.failed) == (0, 1)


def test_the_end_waits_only_as_long_as_told_for_a_collector_that_hangs() -> None:
    collector = Collector()
    collector.open.clear()
    export = TraceExport(lambda: collector, gather=0.0)
    export.offer(trace())
    assert collector.got.wait(PATIENCE)
    began = monotonic()
    export.close(0.05)
    assert monotonic() - began < 1.0
    export.offer(trace())
    assert export.dropped == 1


def test_a_batch_that_cannot_be_sent_is_not_the_last() -> None:
    class Breaking(Collector):
        def send(self, traces: Sequence[KeptTrace]) -> bool:
            if not self.got.is_set():
                self.got.set()
                raise ValueError("not to be encoded")
            return super().send(traces)

    collector = Breaking()
    export = TraceExport(lambda: collector, gather=0.0)
    export.offer(trace())
    assert collector.got.wait(PATIENCE)
    export.offer(trace())
    export.close(PATIENCE)
    assert (export.exported, export.failed, export.dropped) == (1, 1, 0)
