"""Metrics of services and their instances, read from the records that the layers of the pipe keep."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from prometheus_client.core import Metric

from bff.observe.families import HIGHEST, counter, gauge, histogram
from bff.upstream.stats import InstanceStats, ServiceStats

Services = Mapping[str, ServiceStats]

# As many instances of a service as have series of their own: each costs some forty. The rest is in its service's totals.
MAX_INSTANCES: Final = 100

# Not `instance`: that is Prometheus' own label for what it scrapes, this gateway; the two would collide.
INSTANCE: Final = "service_instance"

# The order in which an alert may say `> 1`: from well to left alone.
BREAKER: Final = {"off": -1, "closed": 0, "half_open": 1, "open": 2}

# What is counted of a service: metric, record's attribute, meaning.
_COUNTS: Final[tuple[tuple[str, Callable[[ServiceStats], int], str], ...]] = (
    ("thali_bulkhead_refused", lambda one: one.busy, "Calls refused because the bulkhead and its queue were full"),
    ("thali_hopeless", lambda one: one.hopeless, "Calls not made: less time was left than half of the service's calls take"),
    ("thali_breaker_opened", lambda one: one.breaker_opened, "How often the breaker opened"),
    ("thali_breaker_refused", lambda one: one.breaker_refused, "Calls refused because the breaker was open"),
    ("thali_retries", lambda one: one.retries, "Second and later attempts after a failed one"),
    ("thali_hedges", lambda one: one.hedges, "Second attempts while the first one was slow"),
    ("thali_hedges_won", lambda one: one.hedges_won, "Hedges that answered before the first attempt"),
    ("thali_budget_refused", lambda one: one.budget_refused, "Retries and hedges that the budget did not allow"),
    ("thali_coalesced", lambda one: one.coalesced, "Calls that another call's answer served"),
    ("thali_panic", lambda one: one.panic, "Calls balanced over all instances because too few were well"),
    ("thali_discovery_failures", lambda one: one.discovery_failed, "Looks for instances that failed"),
)
_NOW: Final[tuple[tuple[str, Callable[[ServiceStats], int], str], ...]] = (
    ("thali_bulkhead_in_flight", lambda one: one.in_flight, "Calls in flight"),
    ("thali_bulkhead_limit", lambda one: one.limit, "Calls that may be in flight"),
    ("thali_bulkhead_queued", lambda one: one.queued, "Calls that wait for a place"),
)
_INSTANCE_COUNTS: Final[tuple[tuple[str, Callable[[InstanceStats], int], str], ...]] = (
    ("thali_upstream_written", lambda one: one.written, "Requests written to their last byte"),
    ("thali_upstream_connections_opened", lambda one: one.opened, "Connections opened"),
    ("thali_upstream_connections_closed", lambda one: one.closed, "Connections closed"),
    ("thali_upstream_stale", lambda one: one.stale, "Calls sent again because a kept connection had been closed"),
    ("thali_ejections", lambda one: one.ejections, "How often the instance was ejected for its failures"),
)
_INSTANCE_NOW: Final[tuple[tuple[str, Callable[[InstanceStats], int], str], ...]] = (
    ("thali_upstream_in_flight", lambda one: one.in_flight, "Attempts in flight"),
    ("thali_upstream_connections_idle", lambda one: one.idle, "Connections kept and not in use"),
    ("thali_upstream_ejected", lambda one: int(one.ejected), f"1 while the instance is ejected {HIGHEST}"),
    ("thali_upstream_unhealthy", lambda one: int(not one.healthy), f"1 while its active checks fail {HIGHEST}"),
)


def families(services: Services) -> Iterator[Metric]:
    each = [((name,), one) for name, one in services.items()]
    yield counter(
        "thali_upstream_calls",
        "Calls by verdict, each counted once after its last attempt",
        ("service", "verdict"),
        (((*name, verdict), getattr(one, verdict)) for name, one in each for verdict in ("good", "neutral", "bad")),
    )
    yield histogram(
        "thali_upstream_call_duration_seconds",
        "Whole calls, all attempts and waits included",
        ("service",),
        ((name, one.latency) for name, one in each),
    )
    yield gauge(
        "thali_breaker_state",
        f"-1 off, 0 closed, 1 half open, 2 open {HIGHEST}",
        ("service",),
        ((name, BREAKER[one.breaker]) for name, one in each),
    )
    for metric, read, what in _COUNTS:
        yield counter(metric, what, ("service",), [(name, read(one)) for name, one in each])
    for metric, read, what in _NOW:
        yield gauge(metric, what, ("service",), [(name, read(one)) for name, one in each])
    yield from _instances(services)


def _instances(services: Services) -> Iterator[Metric]:
    each = [
        ((name, instance), one)
        for name, service in services.items()
        for instance, one in islice(list(service.instances.items()), MAX_INSTANCES)
    ]
    place = ("service", INSTANCE)
    yield counter(
        "thali_upstream_attempts",
        "Attempts by verdict",
        (*place, "verdict"),
        (((*names, verdict), getattr(one, verdict)) for names, one in each for verdict in ("good", "neutral", "bad")),
    )
    yield histogram(
        "thali_upstream_attempt_duration_seconds",
        "Whole attempts",
        place,
        ((names, one.latency) for names, one in each),
    )
    for metric, read, what in _INSTANCE_COUNTS:
        yield counter(metric, what, place, [(names, read(one)) for names, one in each])
    for metric, read, what in _INSTANCE_NOW:
        yield gauge(metric, what, place, [(names, read(one)) for names, one in each])
