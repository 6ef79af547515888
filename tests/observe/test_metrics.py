"""Metrics are what the records say at the moment of the scrape, in series whose number is bounded."""

from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from bff.composition.outcome import OK, Outcome
from bff.observe import request_metrics, service_metrics
from bff.observe.exposition import AT_ONCE, exposition, process_families
from bff.observe.records import OTHER, UNMATCHED, Records
from bff.observe.service_metrics import MAX_INSTANCES
from bff.upstream.latency import BOUNDS
from bff.upstream.stats import InstanceStats, ServiceStats

NOW = 1000.0


class Whole(Collector):
    """A family, for prometheus_client's own writer."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> list[Metric]:
        return [self._family]


async def read(families: object) -> dict[str, Metric]:
    """The page as Prometheus reads it."""
    page = await exposition(families)  # type: ignore[arg-type]  # an iterator of families, of either module
    return {metric.name: metric for metric in text_string_to_metric_families(page.decode())}


def values(metric: Metric, name: str) -> dict[tuple[str, ...], float]:
    """Samples of this name by the values of their labels, in the order of the labels' names."""
    return {tuple(sample.labels.values()): sample.value for sample in metric.samples if sample.name == name}


async def test_a_request_is_counted_by_endpoint_method_and_class_of_status() -> None:
    records = Records()
    home = records.endpoint("web", "/web/v1/home", "GET")
    for status in (200, 204, 999, 404):
        home.add(status, 100, 0.02, NOW)
    found = await read(request_metrics.families(records))
    requests = values(found["thali_requests"], "thali_requests_total")
    assert requests == {
        ("web", "/web/v1/home", "GET", "2xx"): 2,
        ("web", "/web/v1/home", "GET", "4xx"): 1,
        ("web", "/web/v1/home", "GET", "5xx"): 1,
    }
    assert values(found["thali_response_bytes"], "thali_response_bytes_total") == {("web", "/web/v1/home", "GET"): 400}


async def test_durations_are_cumulative_buckets_with_their_sum() -> None:
    records = Records()
    one = records.endpoint("web", "/a", "GET")
    for seconds in (0.0005, 0.02, 0.02, 99.0):
        one.add(200, 0, seconds, NOW)
    metric = (await read(request_metrics.families(records)))["thali_request_duration_seconds"]
    buckets = {s.labels["le"]: s.value for s in metric.samples if s.name.endswith("_bucket")}
    assert len(buckets) == len(BOUNDS) + 1
    assert (buckets["0.001"], buckets["0.016"], buckets["0.025"], buckets["10.0"], buckets["+Inf"]) == (1, 1, 3, 3, 4)
    assert [s.value for s in metric.samples if s.name.endswith("_count")] == [4]
    assert [round(s.value, 4) for s in metric.samples if s.name.endswith("_sum")] == [99.0405]


async def test_what_a_client_writes_makes_no_series() -> None:
    records = Records()
    for number in range(1_000):
        records.endpoint(None, None, f"METHOD{number}").add(404, 0, 0.001, NOW)
        records.endpoint("web", "/a", f"M{number}").add(405, 0, 0.001, NOW)
    assert len(records.endpoints) == 2
    requests = values((await read(request_metrics.families(records)))["thali_requests"], "thali_requests_total")
    assert requests["", UNMATCHED, OTHER, "4xx"] == 1_000


async def test_screens_and_sections_are_told_by_their_verdicts() -> None:
    records = Records()
    home = records.screen("web", "home")
    home.add("complete", {"viewer": OK, "picks": OK})
    home.add("degraded", {"viewer": OK, "picks": Outcome("fallback", "timeout", "catalog")})
    home.add("failed", {"viewer": Outcome("timeout", "timeout", "users")})
    found = await read(request_metrics.families(records))
    assert values(found["thali_screens"], "thali_screens_total") == {
        ("web", "complete", "home"): 1,
        ("web", "degraded", "home"): 1,
        ("web", "failed", "home"): 1,
    }
    assert values(found["thali_section_outcomes"], "thali_section_outcomes_total") == {
        ("web", "home", "viewer", "ok"): 2,
        ("web", "home", "picks", "ok"): 1,
        ("web", "home", "picks", "fallback"): 1,
        ("web", "home", "viewer", "timeout"): 1,
    }


async def test_runs_of_other_sections_are_counted_beside_those_that_are_usual() -> None:
    one = Records().screen("web", "home")
    for wanted in ("a", "ab", "ab", "a", "abc", "abc", "ab"):
        one.add("complete", dict.fromkeys(wanted, OK))
    one.add("degraded", {"a": OK, "b": OK, "c": Outcome("fallback")})
    told = {("a", "ok"): 8, ("b", "ok"): 6, ("c", "ok"): 2, ("c", "fallback"): 1}
    assert one.sections() == told == one.sections()


async def test_a_service_is_told_with_its_breaker_bulkhead_and_instances() -> None:
    stats = ServiceStats(good=5, bad=2, in_flight=3, limit=100, queued=1, breaker="open", retries=4, coalesced=6)
    stats.latency.add(0.03, NOW)
    stats.instances["10.0.0.1:80"] = InstanceStats(good=6, bad=3, written=9, ejected=True, ejections=1)
    stats.instances["10.0.0.2:80"] = InstanceStats(healthy=False)
    found = await read(service_metrics.families({"users": stats}))
    assert values(found["thali_upstream_calls"], "thali_upstream_calls_total") == {
        ("users", "good"): 5,
        ("users", "neutral"): 0,
        ("users", "bad"): 2,
    }
    assert values(found["thali_breaker_state"], "thali_breaker_state") == {("users",): 2}
    assert values(found["thali_bulkhead_in_flight"], "thali_bulkhead_in_flight") == {("users",): 3}
    assert values(found["thali_bulkhead_limit"], "thali_bulkhead_limit") == {("users",): 100}
    assert values(found["thali_retries"], "thali_retries_total") == {("users",): 4}
    assert values(found["thali_coalesced"], "thali_coalesced_total") == {("users",): 6}
    attempts = values(found["thali_upstream_attempts"], "thali_upstream_attempts_total")
    assert sum(attempts.values()) == 9
    assert values(found["thali_upstream_written"], "thali_upstream_written_total")["users", "10.0.0.1:80"] == 9
    assert values(found["thali_upstream_ejected"], "thali_upstream_ejected")["users", "10.0.0.1:80"] == 1
    assert values(found["thali_upstream_unhealthy"], "thali_upstream_unhealthy")["users", "10.0.0.2:80"] == 1


async def test_a_long_family_is_written_in_pieces_and_reads_as_one() -> None:
    stats = ServiceStats()
    for number in range(50):
        stats.instances[f"10.0.0.{number}:80"] = InstanceStats(written=number)
    families = list(service_metrics.families({"users": stats}))
    text = (await exposition(families)).decode()
    (longest,) = (family for family in families if family.name == "thali_upstream_attempt_duration_seconds")
    assert len(longest.samples) > 10 * AT_ONCE
    assert text.count("# TYPE thali_upstream_attempt_duration_seconds ") == 1
    assert text.encode() == b"".join(generate_latest(Whole(family)) for family in families)


async def test_a_service_of_very_many_instances_has_a_bounded_number_of_series() -> None:
    stats = ServiceStats()
    for number in range(MAX_INSTANCES + 50):
        stats.instances[f"10.0.{number // 250}.{number % 250}:80"] = InstanceStats()
    found = await read(service_metrics.families({"users": stats}))
    assert len(found["thali_upstream_written"].samples) == MAX_INSTANCES


async def test_the_process_is_told_by_the_names_that_every_exporter_uses() -> None:
    found = await read(process_families())
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds"} <= found.keys()
    assert "process_start_time_seconds" not in found
