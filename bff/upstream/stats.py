"""What is counted of a service and of each of its instances: plain numbers that the layers add to and that others read.

Nobody on the way of a call knows metrics, consoles or dashboards: they read these records when they are asked
(`observe/metrics.py`, `/stats`, `bff top`). A number that only grows is a count since the start.
"""

from collections.abc import Sized
from dataclasses import dataclass, field
from typing import Literal

from bff.upstream.latency import Latency

BreakerState = Literal["closed", "open", "half_open", "off"]


@dataclass(slots=True)
class InstanceStats:
    """One copy of a service, as its balancer sees it."""

    in_flight: int = 0
    good: int = 0  # attempts by verdict (verdict.py)
    neutral: int = 0
    bad: int = 0
    written: int = 0  # requests that were written to their last byte
    connecting: int = 0  # connections that are being made
    opened: int = 0  # connections
    closed: int = 0
    kept: Sized = ()  # the connections that wait for a call
    stale: int = 0  # repeatable calls that met a connection closed under them and were sent again on a new one
    ejections: int = 0
    ejected: bool = False
    healthy: bool = True  # by its active checks; true where there are none
    weight: int = 1
    latency: Latency = field(default_factory=Latency)  # of whole attempts

    @property
    def idle(self) -> int:
        return len(self.kept)


@dataclass(slots=True)
class ServiceStats:
    """One service: what was asked of it, what stood in the way, and its instances by host:port."""

    good: int = 0  # calls by verdict, each counted once, after its last attempt
    neutral: int = 0
    bad: int = 0
    in_flight: int = 0
    limit: int = 0  # calls that may be in flight now
    queued: int = 0
    busy: int = 0  # refused by the bulkhead
    hopeless: int = 0  # not sent: less time was left than half of its calls take
    breaker: BreakerState = "closed"
    breaker_opened: int = 0
    breaker_refused: int = 0
    retries: int = 0
    hedges: int = 0
    hedges_won: int = 0
    budget_refused: int = 0  # retries and hedges that the budget did not allow
    coalesced: int = 0  # calls that another one's answer served
    panic: int = 0  # calls balanced over all instances because too few were well
    discovery_failed: int = 0
    latency: Latency = field(default_factory=Latency)  # of whole calls
    enough: float = 0.0  # seconds that a call must have had for its timeout to speak against the service
    instances: dict[str, InstanceStats] = field(default_factory=dict)


def is_open(stats: ServiceStats) -> bool:
    """Whether the breaker lets nothing in but its trials: then what is in already is not sent again either."""
    return stats.breaker in ("open", "half_open")
