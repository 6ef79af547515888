"""How rounds become a verdict, and what a breaker's state looks like from a stub."""

import math
import tomllib
from dataclasses import replace

import pytest

from tests.faults.rig.calls import closed_after, largest_burst, opened_after
from tests.faults.rig.rounds import Result
from tests.faults.rig.scenario import Figures, Scenario, latency, least, most, number
from tests.faults.rig.scenarios import ALL
from tests.faults.rig.toml import merged, toml


async def nothing(_: object) -> Figures:
    return {}


ONE = Scenario("F00", "a fault", "an answer", (most("lost", 0), latency("p99", 50.0)), (), nothing)


def test_counts_are_of_the_worst_round_and_latencies_of_the_median_one() -> None:
    assert most("lost", 0).of_rounds([0, 3, 1]) == 3
    assert least("served", 100, "%").of_rounds([100, 99, 100]) == 99
    assert latency("p99", 50).of_rounds([10, 900, 20]) == 20


def test_a_result_passes_when_every_limit_is_held() -> None:
    good = Result(ONE, {"lost": 0, "p99": 50.0})
    assert good.passed
    assert not good.red
    missed = replace(good, figures={"lost": 0, "p99": 50.1})
    assert missed.missed == [ONE.limits[1]]
    assert missed.red
    assert not missed.passed


@pytest.mark.parametrize("figures", [{"lost": math.nan, "p99": 1.0}, {"p99": 1.0}])
def test_a_figure_that_is_not_there_is_missed(figures: dict[str, float]) -> None:
    assert not Result(ONE, figures).passed


def test_a_round_that_broke_is_neither_passed_nor_a_proof() -> None:
    broken = Result(ONE, {}, "TimeoutError")
    assert not broken.passed
    assert not broken.red


def test_every_scenario_has_its_number_its_limits_and_something_to_switch_off() -> None:
    numbers = [scenario.number for scenario in ALL]
    assert len(set(numbers)) == len(numbers)
    assert {f"F{number:02}" for number in (*range(1, 35), 41, 42, 43, *range(46, 50))} <= set(numbers)
    for scenario in ALL:
        assert scenario.limits, scenario.number
        assert scenario.without, scenario.number


def test_a_breaker_is_open_from_the_last_call_before_a_silence() -> None:
    calls = [0.0, 0.1, 0.2, 0.3, 5.0, 5.01, 10.0, 10.1, 10.2]
    assert opened_after(calls, struck=0.1, until=11.0) == pytest.approx(0.2)
    assert opened_after([0.1, 0.2, 0.3], struck=0.0, until=0.9) == math.inf
    assert opened_after([0.1], struck=0.0, until=2.0) == pytest.approx(0.1)
    assert largest_burst(calls, 0.4, 9.0) == 2
    assert closed_after(calls, healed=4.0, in_a_row=3) == pytest.approx(6.0)
    assert closed_after(calls, healed=4.0, in_a_row=9) == math.inf


def test_settings_are_merged_table_by_table_and_written_as_toml() -> None:
    settings = merged(
        {"services": {"picks": {"timeout": 0.4, "breaker": {"on": True}}}},
        {"services": {"picks": {"breaker": {"on": False}, "instances": ["http://a:1"], "weights": {"a.b:1": 3}}}},
    )
    assert tomllib.loads(toml(settings)) == {
        "services": {"picks": {"timeout": 0.4, "breaker": {"on": False}, "instances": ["http://a:1"], "weights": {"a.b:1": 3}}}
    }


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (0.1234, "0.123"), (12345.6, "12,346"), (math.inf, "∞")])
def test_numbers_are_written_as_a_person_would(value: float, text: str) -> None:
    assert number(value) == text
