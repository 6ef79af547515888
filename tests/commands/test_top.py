"""`bff top`: two looks at /stats, added up over the workers, and what happened between them."""

from typing import Any

import pytest

from bff.commands.top_figures import Row, held, rows, services_of
from bff.observe.figures import figures_of
from bff.upstream.stats import InstanceStats, ServiceStats

NOW = 1000.0


def service(good: int = 0, bad: int = 0, **more: Any) -> ServiceStats:  # Any: numbers and the breaker's state
    stats = ServiceStats(good=good, bad=bad, limit=100, **more)
    stats.instances["10.0.0.1:80"] = InstanceStats(good=good, bad=bad)
    for _ in range(good + bad):
        stats.latency.add(0.02, NOW)
    return stats


def stats_of(*workers: ServiceStats, blamed: int = 0) -> dict[str, Any]:  # Any: JSON
    return {"workers": [{"pid": 1, "services": {"users": figures_of(one, blamed)}} for one in workers]}


def table(before: dict[str, Any], after: dict[str, Any], seconds: float = 1.0) -> dict[str, Row]:
    return {row.name.strip(): row for row in rows(services_of(before), services_of(after), seconds)}


def test_workers_are_added_up_and_the_worst_breaker_is_told() -> None:
    found = table({"workers": []}, stats_of(service(10, in_flight=2), service(30, in_flight=3, queued=1, breaker="open")))
    users = found["users"]
    assert (users.state, users.in_flight, users.limit, users.queued, users.per_second) == ("open", 5, 200, 1, 40)
    assert found["10.0.0.1:80"].per_second == 40


def test_what_an_open_breaker_kept_back_was_wanted_too() -> None:
    found = table({"workers": []}, stats_of(service(5, 15, breaker_refused=70, hopeless=10), blamed=95))
    assert found["users"].blamed == pytest.approx(0.95)


def test_what_is_told_is_what_happened_between_two_looks() -> None:
    found = table(stats_of(service(1_000, 900), blamed=50), stats_of(service(1_030, 910, retries=4, hedges=1), blamed=60), 2.0)
    users = found["users"]
    assert users.per_second == 20
    assert users.errors == pytest.approx(0.25)
    assert users.blamed == pytest.approx(0.25)
    assert users.extra == 5
    assert users.p50 is not None
    assert 0.016 <= users.p50 <= 0.025


def test_a_worker_that_was_replaced_is_not_taken_for_less_than_nothing() -> None:
    users = table(stats_of(service(1_000)), stats_of(service(5)))["users"]
    assert (users.per_second, users.errors, users.p50) == (0, None, None)


@pytest.mark.parametrize(
    ("instance", "state"),
    [(InstanceStats(), "ok"), (InstanceStats(ejected=True), "ejected"), (InstanceStats(healthy=False), "unhealthy")],
)
def test_an_instance_is_told_with_its_state(instance: InstanceStats, state: str) -> None:
    stats = ServiceStats()
    stats.instances["10.0.0.1:80"] = instance
    assert table({"workers": []}, stats_of(stats, stats))["10.0.0.1:80"].state == state


def test_a_worker_that_does_not_answer_is_left_out() -> None:
    after = stats_of(service(10))
    after["workers"].append({"pid": 2, "state": "ready", "error": "timed out"})
    assert table({"workers": []}, after)["users"].per_second == 10


def test_a_worker_that_misses_a_look_has_not_done_all_its_work_since() -> None:
    first = stats_of(service(1_000))
    missed = held(first, {"workers": [{"pid": 1, "state": "ready", "error": "timed out"}]})
    assert table(first, missed)["users"].per_second == 0
    assert table(missed, held(missed, stats_of(service(1_010))))["users"].per_second == 10
