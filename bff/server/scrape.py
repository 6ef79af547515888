"""The metrics of all workers as one: counters and histograms added up, and none of them ever goes backwards.

A counter belongs to the supervisor's life, not to a worker's: what a worker had counted when it was last asked stays in
the sum after it has gone. What it counted between that look and its end is lost, at most one scrape's worth.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

# How a worker marks a gauge that is a state and not a quantity (bff/observe/families.py).
_HIGHEST = "(the highest of the workers)"

_Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class _Family:
    name: str
    what: str
    kind: str
    values: dict[_Key, float] = field(default_factory=dict)

    @property
    def counted(self) -> bool:
        return self.kind in ("counter", "histogram")

    def add(self, key: _Key, value: float) -> None:
        old = self.values.get(key)
        if old is None:
            self.values[key] = value
        else:
            self.values[key] = max(old, value) if self.what.endswith(_HIGHEST) else old + value


Families = dict[str, _Family]


class Scrapes(Collector):
    """What each worker said last, and the sum of what those had said that are gone."""

    def __init__(self) -> None:
        self._last: dict[str, Families] = {}
        self._gone: Families = {}

    def merged(self, pages: Mapping[str, bytes], alive: Iterable[str]) -> bytes | None:
        """The sum, once these workers have said this and only those are alive; None when nobody ever said anything.

        A worker's name is one that no other worker of this supervisor ever has.
        """
        for worker, page in pages.items():
            self._last[worker] = _read(page)
        for worker in self._last.keys() - set(alive):
            _fold(self._gone, self._last.pop(worker), counted_only=True)
        return generate_latest(self) if self._last or self._gone else None

    def collect(self) -> Iterable[Metric]:
        total: Families = {}
        for families in (self._gone, *self._last.values()):
            _fold(total, families, counted_only=False)
        for family in total.values():
            metric = Metric(family.name, family.what, family.kind)
            metric.samples = _ordered(family)
            yield metric


def _read(page: bytes) -> Families:
    found: Families = {}
    for metric in text_string_to_metric_families(page.decode()):
        family = found[metric.name] = _Family(metric.name, metric.documentation, metric.type)
        for sample in metric.samples:
            family.values[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def _fold(into: Families, families: Families, *, counted_only: bool) -> None:
    for name, family in families.items():
        if counted_only and not family.counted:
            continue
        target = into.setdefault(name, _Family(name, family.what, family.kind))
        for key, value in family.values.items():
            target.add(key, value)


def _ordered(family: _Family) -> list[Sample]:
    """Series that only one worker has stand behind the others' last bucket; the format wants a histogram's together."""
    samples = [Sample(name, dict(labels), value) for (name, labels), value in family.values.items()]
    if family.kind == "histogram":
        samples.sort(key=lambda sample: (_series(sample), sample.name, _bound(sample)))
    return samples


def _series(sample: Sample) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))


def _bound(sample: Sample) -> float:
    return float(sample.labels.get("le", math.inf))
