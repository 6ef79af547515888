"""A service's records as JSON: what /stats shows, and what `bff top` adds up over the workers."""

from bff.upstream.latency import Latency
from bff.upstream.stats import InstanceStats, ServiceStats

Figures = dict[str, object]

_SERVICE = (
    "good", "neutral", "bad", "in_flight", "limit", "queued", "busy", "hopeless", "breaker", "breaker_opened",
    "breaker_refused", "retries", "hedges", "hedges_won", "budget_refused", "coalesced", "panic", "discovery_failed",
)  # fmt: skip
_INSTANCE = (
    "in_flight", "good", "neutral", "bad", "written", "opened", "closed", "idle", "stale", "ejections", "ejected",
    "healthy", "weight",
)  # fmt: skip


def figures_of(stats: ServiceStats, blamed: int) -> Figures:
    """All of a service's numbers by the names of its record; `blamed`: sections not plainly ok on its account."""
    figures: Figures = {name: getattr(stats, name) for name in _SERVICE}
    figures["blamed"] = blamed
    figures["latency"] = _latency(stats.latency)
    figures["instances"] = {name: _instance(one) for name, one in list(stats.instances.items())}
    return figures


def _instance(stats: InstanceStats) -> Figures:
    figures: Figures = {name: getattr(stats, name) for name in _INSTANCE}
    figures["latency"] = _latency(stats.latency)
    return figures


def _latency(latency: Latency) -> Figures:
    """Counts by bucket (`bff.upstream.latency.BOUNDS`), so that quantiles can be told of any stretch of time."""
    return {"counts": list(latency.counts), "sum": latency.sum}
