"""A worker's tracing: which requests are sampled as they arrive, and what is kept of one that has ended."""

from bff.observe.kept import KeptTrace
from bff.observe.sampling import Sampler
from bff.observe.traces import TraceExport


class Tracing:
    """With no `export` (the default) nothing is kept: a client's trace goes on to the backends as it came."""

    def __init__(self, sampler: Sampler | None = None, export: TraceExport | None = None, *, slow: float = 1.0) -> None:
        self.on = export is not None and sampler is not None
        self.export = export
        self.sampler = sampler
        self._slow = slow

    def sampled(self, parent: bool | None) -> bool:
        """Whether a request's trace is kept from the start, and its backends told so."""
        if self.export is None or self.sampler is None:
            return bool(parent)
        return self.sampler.head(parent)

    def keeps(self, *, sampled: bool, failed: bool, seconds: float) -> bool:
        """Whether a request that has ended is exported: as sampled, or because it failed, degraded or was slow."""
        if self.export is None or self.sampler is None:
            return False
        return sampled or ((failed or seconds > self._slow) and self.sampler.take())

    def offer(self, trace: KeptTrace) -> None:
        if self.export is not None:
            self.export.offer(trace)
