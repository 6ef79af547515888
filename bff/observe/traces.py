"""Traces on their way out: a bounded queue, and a thread that turns records into spans and sends them by OTLP.

A collector that hangs or is away holds up this thread and nothing else; what the queue has no room for is dropped and
counted.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from bff.observe.kept import KeptTrace

_log = logging.getLogger("bff.traces")

# Traces that wait: at the default of 50 a second, ten seconds of a collector that restarts. A trace is some 5 KB here.
MOST_WAITING: Final = 500
# Sent together: one message of some 100 KB. And how long the first of them waits for company.
BATCH: Final = 50
GATHER: Final = 1.0
# Seconds for one message, its repeats included (the exporter's own backoff); then it is given up.
SEND: Final = 10.0


class Sink(Protocol):
    """Sends a batch; whether it was taken. May block for as long as SEND."""

    def send(self, traces: Sequence[KeptTrace]) -> bool: ...

    def close(self) -> None:
        """Give up what is being sent."""
        ...


class TraceExport:
    """Takes traces on the event loop and sends them from a thread of its own, made when the first one comes."""

    def __init__(self, sink: Callable[[], Sink], *, gather: float = GATHER) -> None:
        self.exported = 0  # traces that the collector took
        self.failed = 0  # those it did not take
        self.dropped = 0  # those that found no room
        self._make_sink = sink
        self._gather = gather
        self._waiting: deque[KeptTrace] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._sink: Sink | None = None
        self._closing = False

    def offer(self, trace: KeptTrace) -> None:
        """Take a trace or drop it; never blocks."""
        with self._changed:
            if len(self._waiting) >= MOST_WAITING or self._closing:
                self.dropped += 1
                return
            self._waiting.append(trace)
            if self._thread is None:  # a daemon: a collector that hangs must not keep the process from ending
                self._thread = threading.Thread(target=self._run, name="trace-export", daemon=True)
                self._thread.start()
            if len(self._waiting) in (1, BATCH):
                self._changed.notify()

    def close(self, within: float) -> None:
        """Send what waits, for at most these seconds. Blocks."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(within)
        if self._sink is not None:
            self._sink.close()

    def _run(self) -> None:
        self._sink = sink = self._make_sink()  # here: it takes half a second of imports
        while batch := self._next():
            try:
                taken = sink.send(batch)
            except Exception:  # noqa: BLE001 - a batch that cannot be sent must not end the export of all that follow
                _log.exception("%d traces could not be sent", len(batch))
                taken = False
            with self._changed:
                if taken:
                    self.exported += len(batch)
                else:
                    self.failed += len(batch)

    def _next(self) -> list[KeptTrace]:
        """The next batch; empty when all is sent and nothing more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(lambda: len(self._waiting) >= BATCH or self._closing, self._gather)
            return [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]


class OtlpSink:
    """An OTLP/HTTP collector (`endpoint` is the whole address, http://host:4318/v1/traces)."""

    def __init__(self, endpoint: str, service: str, *, timeout: float = SEND) -> None:
        # Imported here: 0.3 s and 15 MB that only those pay who export traces.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource

        from bff.observe.spans import SpanMaker

        self._maker = SpanMaker(Resource.create({"service.name": service}))
        self._exporter = OTLPSpanExporter(endpoint, timeout=timeout)

    def send(self, traces: Sequence[KeptTrace]) -> bool:
        from opentelemetry.sdk.trace.export import SpanExportResult

        spans = [span for trace in traces for span in self._maker.spans(trace)]
        taken = self._exporter.export(spans) is SpanExportResult.SUCCESS
        if not taken:
            _log.warning("%d traces were not taken by the collector", len(traces))
        return taken

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # opentelemetry leaves it without annotations
