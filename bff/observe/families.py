"""Metric families from plain records: made when a scrape asks, so that nothing on the way of a request knows of them."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from bff.upstream.latency import BOUNDS, Latency

Labels = Sequence[str]
Samples = Iterable[tuple[Labels, float]]

# The supervisor adds up what its workers say; a gauge whose help ends so is not a quantity but a state, and it takes the
# highest (bff/server/scrape.py reads these words).
HIGHEST = "(the highest of the workers)"

_LE = (*(str(bound) for bound in BOUNDS), "+Inf")


def counter(name: str, what: str, labels: Labels, samples: Samples) -> Metric:
    """A count since the start; Prometheus' convention adds `_total` to its name."""
    family = CounterMetricFamily(name, what, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def gauge(name: str, what: str, labels: Labels, samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def histogram(name: str, what: str, labels: Labels, samples: Iterable[tuple[Labels, Latency]]) -> Metric:
    family = HistogramMetricFamily(name, what, labels=labels)
    for values, latency in samples:
        buckets: list[tuple[str, float]] = []
        passed = 0
        for le, count in zip(_LE, latency.counts, strict=True):
            passed += count
            buckets.append((le, passed))
        family.add_metric(values, buckets, latency.sum)
    return family
