"""Everything that a worker has to tell Prometheus, in one place: `docs/observe.md` lists it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import Metric

from bff.gateway.quota import Quota
from bff.gateway.shed import Gate
from bff.observe import request_metrics, service_metrics
from bff.observe.exposition import process_families
from bff.observe.families import HIGHEST, counter, gauge
from bff.observe.logs import AccessLog
from bff.observe.records import Records
from bff.observe.tracing import Tracing
from bff.state.redis_figures import Figures
from bff.state.store import Store
from bff.upstream.service import Service

_NOTHING_TO_FAIL = Figures()  # of a store in this process


@dataclass(frozen=True, slots=True)
class Metrics:
    """What is read when a scrape asks."""

    records: Records
    services: Mapping[str, Service]
    gate: Gate
    access: AccessLog
    tracing: Tracing
    quota: Quota
    store: Store

    def families(self) -> Iterator[Metric]:
        yield from request_metrics.families(self.records)
        yield from service_metrics.families({name: service.stats for name, service in self.services.items()})
        yield from self._pressure()
        yield from self._front()
        yield from self._own()
        yield from process_families()

    def _pressure(self) -> Iterator[Metric]:
        gate, pressure = self.gate, self.gate.pressure
        refused = [((priority,), count) for priority, count in gate.refused.items()]
        yield counter("thali_shed", "Requests refused because there was too much to do", ("priority",), refused)
        yield gauge("thali_in_flight", "Requests being answered", (), [((), pressure.in_flight)])
        yield gauge("thali_in_flight_limit", "Requests that may be in flight", (), [((), pressure.limit)])
        yield gauge("thali_pressure_level", f"0 well, 3: all but the critical refused {HIGHEST}", (), [((), pressure.level)])
        yield gauge("thali_loop_lag_seconds", f"How late the event loop runs {HIGHEST}", (), [((), pressure.lag)])
        yield gauge("thali_memory_share", f"Share of the memory that may be held {HIGHEST}", (), [((), pressure.memory)])

    def _front(self) -> Iterator[Metric]:
        """The limits, and the store that they are counted in."""
        decisions = self.quota.decisions.items()
        yield counter(
            "thali_rate_limit_decisions",
            "Requests judged by a policy: allowed, refused, delayed (let in after a wait), degraded (Redis did not answer)",
            ("policy", "result"),
            decisions,
        )
        figures: Figures = getattr(self.store, "figures", None) or _NOTHING_TO_FAIL
        results = (("answered", figures.commands), ("failed", figures.failures), ("refused", figures.refused))
        yield counter(
            "thali_state_commands",
            "Commands for Redis: answered, failed (no answer in time), refused (its breaker was open)",
            ("result",),
            [((result,), count) for result, count in results],
        )
        yield counter("thali_state_seconds", "Seconds that answered commands took", (), [((), figures.seconds)])
        yield gauge("thali_state_down", f"1 while Redis is not asked {HIGHEST}", (), [((), figures.breaker != "closed")])

    def _own(self) -> Iterator[Metric]:
        """What the seeing itself has lost."""
        yield counter("thali_access_lines_dropped", "Access lines never written", (), [((), self.access.dropped)])
        export, sampler = self.tracing.export, self.tracing.sampler
        sent = (
            [(("exported",), export.exported), (("failed",), export.failed), (("dropped",), export.dropped)] if export else []
        )
        over = [(("over",), sampler.over)] if sampler else []
        yield counter(
            "thali_traces",
            "Traces kept: exported, failed (the collector did not take them), dropped (no room), over (more than per_second)",
            ("result",),
            [*sent, *over],
        )
