"""Metrics of several workers as one page, over the life of the supervisor and not of any worker."""

from prometheus_client.parser import text_string_to_metric_families

from bff.server.scrape import Scrapes

PAGE = """\
# HELP a_total Counted
# TYPE a_total counter
a_total{{service="users"}} {count}
# HELP now Quantity
# TYPE now gauge
now {now}
# HELP state A state (the highest of the workers)
# TYPE state gauge
state{{service="users"}} {state}
# HELP took_seconds Durations
# TYPE took_seconds histogram
took_seconds_bucket{{le="0.1",service="users"}} {count}
took_seconds_bucket{{le="10.0",service="users"}} {count}
took_seconds_bucket{{le="+Inf",service="users"}} {count}
took_seconds_count{{service="users"}} {count}
took_seconds_sum{{service="users"}} {count}
"""


def page(count: int, now: int = 1, state: int = 0) -> bytes:
    return PAGE.format(count=count, now=now, state=state).encode()


def read(merged: bytes | None) -> dict[tuple[str, str], float]:
    """Samples by name and `le`."""
    assert merged is not None
    families = text_string_to_metric_families(merged.decode())
    return {(sample.name, sample.labels.get("le", "")): sample.value for family in families for sample in family.samples}


def test_counts_and_quantities_are_added_and_of_states_the_highest_is_told() -> None:
    found = read(Scrapes().merged({"1": page(5, now=3, state=2), "2": page(7, now=4, state=1)}, ["1", "2"]))
    assert (found["a_total", ""], found["now", ""], found["state", ""]) == (12, 7, 2)
    assert (found["took_seconds_bucket", "0.1"], found["took_seconds_sum", ""], found["took_seconds_count", ""]) == (12, 12, 12)


def test_a_worker_that_is_gone_keeps_its_counts_and_loses_its_quantities() -> None:
    scrapes = Scrapes()
    scrapes.merged({"1": page(5, now=3, state=2), "2": page(7, now=4)}, ["1", "2"])
    found = read(scrapes.merged({}, ["2"]))
    assert (found["a_total", ""], found["now", ""], found["state", ""]) == (12, 4, 0)
    found = read(scrapes.merged({"3": page(0)}, ["3"]))  # its successor begins at nothing
    assert (found["a_total", ""], found["took_seconds_bucket", "+Inf"]) == (12, 12)


def test_a_worker_that_does_not_answer_is_as_it_was() -> None:
    scrapes = Scrapes()
    scrapes.merged({"1": page(5)}, ["1"])
    assert read(scrapes.merged({}, ["1"]))["a_total", ""] == 5
    assert read(scrapes.merged({"1": page(6)}, ["1"]))["a_total", ""] == 6


def test_there_is_nothing_before_the_first_page_and_always_something_after_it() -> None:
    scrapes = Scrapes()
    assert scrapes.merged({}, ["1"]) is None
    assert scrapes.merged({"1": page(1)}, ["1"]) is not None
    assert read(scrapes.merged({}, []))["a_total", ""] == 1


def test_series_that_only_one_worker_has_stand_with_their_own_buckets_in_order() -> None:
    merged = Scrapes().merged({"1": page(5), "2": page(7).replace(b"users", b"orders")}, ["1", "2"])
    assert merged is not None
    found = [line.partition(" ")[0] for line in merged.decode().splitlines() if line.startswith("took_seconds_bucket")]
    assert found == [
        f'took_seconds_bucket{{le="{le}",service="{service}"}}'
        for service in ("users", "orders")
        for le in ("0.1", "10.0", "+Inf")
    ]


def test_a_page_that_comes_after_its_worker_was_counted_as_gone_is_not_counted_again() -> None:
    scrapes = Scrapes()
    scrapes.merged({"1": page(5), "2": page(7)}, ["1", "2"])
    assert read(scrapes.merged({"1": page(6)}, ["2"]))["a_total", ""] == 13  # asked while it lived, gone by now
    assert read(scrapes.merged({"1": page(6)}, ["2"]))["a_total", ""] == 13  # another scrape asked it too
    assert read(scrapes.merged({}, ["2"]))["a_total", ""] == 13


def test_of_workers_that_are_gone_only_instances_that_are_still_there_are_remembered() -> None:
    """A fleet whose addresses change with every deployment would otherwise fill the page for ever."""

    def of(address: str, count: int) -> bytes:
        return page(count).replace(b'service="users"', f'service="users",service_instance="{address}"'.encode())

    scrapes = Scrapes()
    for worker in range(50):
        both = of(f"10.0.0.{worker}:80", 5) + of("10.1.1.1:80", 5)
        scrapes.merged({str(worker): both}, [str(worker)])
    merged = scrapes.merged({"50": of("10.1.1.1:80", 2)}, ["50"])
    assert merged is not None
    assert [line for line in merged.splitlines() if line.startswith(b"a_total")] == [
        b'a_total{service="users",service_instance="10.1.1.1:80"} 252.0'
    ]
    scrapes.merged({"51": of("10.2.2.2:80", 1)}, ["51"])
    assert b"10.1.1.1" not in (scrapes.merged({}, ["51"]) or b"")
