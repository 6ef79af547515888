"""What `bff top` shows: two looks at /stats, added up over the workers, and what happened between them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bff.upstream.latency import BOUNDS, Latency

# JSON of /stats, by the names of the records (bff/observe/figures.py).
Json = Mapping[str, Any]

# Of the workers' breakers the one that lets through least is told: it is the one that an operator asks about.
_WORST = ("off", "closed", "half_open", "open")


@dataclass(slots=True)
class Counted:
    """One service or instance, all workers together. Missing numbers (an older worker, a gone one) count as 0."""

    numbers: dict[str, int] = field(default_factory=dict)
    breaker: str = "off"
    healthy: bool = True
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    instances: dict[str, "Counted"] = field(default_factory=dict)

    def add(self, told: Json) -> None:
        for name, value in told.items():
            if isinstance(value, int):
                self.numbers[name] = self.numbers.get(name, 0) + value
        self.breaker = max(self.breaker, told.get("breaker", "off"), key=_WORST.index)
        self.healthy = self.healthy and told.get("healthy", True)
        for place, count in enumerate(told["latency"]["counts"]):
            self.counts[place] += count
        for name, one in told.get("instances", {}).items():
            self.instances.setdefault(name, Counted()).add(one)

    def now(self, name: str) -> int:
        return self.numbers.get(name, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of the table says. Shares are of the calls (attempts) in the time looked at; None: there were none."""

    name: str
    state: str
    in_flight: int
    limit: int | None
    queued: int | None
    per_second: float
    p50: float | None
    p99: float | None
    errors: float | None
    blamed: float | None
    extra: int | None  # retries and hedges


def services_of(stats: Json) -> dict[str, Counted]:
    """The services of all workers that answered."""
    found: dict[str, Counted] = {}
    for worker in stats["workers"]:
        for name, told in worker.get("services", {}).items():
            found.setdefault(name, Counted()).add(told)
    return found


def held(before: Json, after: Json) -> dict[str, Any]:  # Any: JSON
    """`after`, in which a worker that did not answer is as it was: else all it ever counted is new when it answers again."""
    known = {worker["pid"]: worker["services"] for worker in before["workers"] if "services" in worker}
    workers = [
        {**worker, "services": known[worker["pid"]]} if "services" not in worker and worker["pid"] in known else worker
        for worker in after["workers"]
    ]
    return {**after, "workers": workers}


def rows(before: Mapping[str, Counted], after: Mapping[str, Counted], seconds: float) -> Iterable[Row]:
    """Services by name, each followed by its instances."""
    for name, service in sorted(after.items()):
        earlier = before.get(name, Counted())
        grown = _grown(earlier, service)
        yield Row(
            name=name,
            state=service.breaker,
            in_flight=service.now("in_flight"),
            limit=service.now("limit"),
            queued=service.now("queued"),
            per_second=_calls(grown) / seconds,
            blamed=_share(grown.now("blamed"), _asked(grown)),
            extra=grown.now("retries") + grown.now("hedges"),
            **_measured(grown),
        )
        for place, instance in sorted(service.instances.items()):
            moved = _grown(earlier.instances.get(place, Counted()), instance)
            state = "ejected" if instance.now("ejected") else "ok" if instance.healthy else "unhealthy"
            yield Row(
                name=f"  {place}",
                state=state,
                in_flight=instance.now("in_flight"),
                limit=None,
                queued=None,
                per_second=_calls(moved) / seconds,
                blamed=None,
                extra=None,
                **_measured(moved),
            )


def _grown(before: Counted, after: Counted) -> Counted:
    """What was counted between the two; a worker that was replaced starts anew, so nothing is taken as less than none."""
    return Counted(
        {name: max(0, value - before.now(name)) for name, value in after.numbers.items()},
        counts=[max(0, late - early) for late, early in zip(after.counts, before.counts, strict=True)],
    )


def _calls(grown: Counted) -> int:
    return grown.now("good") + grown.now("neutral") + grown.now("bad")


def _asked(grown: Counted) -> int:
    """Calls that sections wanted, those too that were not sent because of an open breaker or for want of time."""
    return _calls(grown) + grown.now("breaker_refused") + grown.now("hopeless")


def _measured(grown: Counted) -> dict[str, Any]:  # Any: mypy does not type ** of a mapping by its keys
    latency = Latency.of(grown.counts)
    return {
        "p50": latency.quantile(0.5),
        "p99": latency.quantile(0.99),
        "errors": _share(grown.now("bad"), _calls(grown)),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
