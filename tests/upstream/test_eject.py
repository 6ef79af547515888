"""Ejection of instances by what their attempts tell: when, for how long, how many, and what is forgiven."""

from typing import Any

import pytest

from bff.endpoint import Endpoint
from bff.service_settings import BalanceSettings, EjectSettings
from bff.testing import ManualClock
from bff.upstream.eject import Ejector
from bff.upstream.instances import Instances
from bff.upstream.peers import Peer, Peers
from bff.upstream.stats import ServiceStats
from tests.upstream.test_peers import NoWire


class Setting:
    def __init__(self, count: int, **settings: Any) -> None:
        self.instances = Instances(lambda _, __: NoWire(), ServiceStats(), clock=ManualClock())
        self.instances.update([Endpoint("http", f"h{place}", 1) for place in range(count)])
        self.peers = Peers(self.instances, BalanceSettings())
        self.ejector = Ejector(self.peers, EjectSettings.model_validate(settings))
        self.now = 1000.0
        self.peers.look(self.now)

    def __getitem__(self, place: int) -> Peer:
        return self.peers.all[place]

    def bad(self, place: int, times: int = 1) -> None:
        for _ in range(times):
            self[place].stats.bad += 1
            self.ejector.failed(self[place], self.now)

    def good(self, place: int, times: int = 1) -> None:
        self[place].stats.good += times

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.peers.until:
            self.peers.look(self.now)

    def out(self) -> list[int]:
        return [place for place, peer in enumerate(self.peers.all) if peer.stats.ejected]


def test_five_bad_attempts_in_a_row_take_an_instance_out_for_half_a_minute() -> None:
    setting = Setting(3)
    setting.bad(0, 4)
    assert setting.out() == []
    setting.bad(0)
    assert setting.out() == [0]
    assert setting[0].instance.ejected_until == setting.now + 30
    assert setting[0].stats.ejections == 1
    assert setting.now >= setting.peers.until  # the next call looks again


def test_a_good_attempt_between_them_begins_the_row_anew() -> None:
    setting = Setting(3)
    for _ in range(9):
        setting.bad(0, 4)
        setting.good(0)
    assert setting.out() == []


def test_six_of_seven_bad_ones_take_it_out_though_never_five_in_a_row_when_the_sweep_has_seen_fifty() -> None:
    setting = Setting(3, consecutive=100)
    setting.bad(0)  # the first sweep begins
    for _ in range(7):
        setting.bad(0, 6)
        setting.good(0)
    setting.pass_time(10)
    setting.bad(0)
    assert setting.out() == [0]


@pytest.mark.parametrize(("bad", "good"), [(40, 9), (40, 20)], ids=["too few", "not so bad"])
def test_a_share_of_too_few_attempts_or_below_the_mark_takes_nothing_out(bad: int, good: int) -> None:
    setting = Setting(3, consecutive=1000)
    setting.bad(0)
    setting.good(0, good)
    setting.bad(0, bad - 2)
    setting.pass_time(10)
    setting.bad(0)
    assert setting.out() == []


def test_each_time_it_is_out_for_longer_up_to_the_longest() -> None:
    setting = Setting(3)
    lengths = []
    for _ in range(12):
        setting.bad(0, 5)
        lengths.append(setting[0].instance.ejected_until - setting.now)
        setting.pass_time(lengths[-1])
    assert lengths[:4] == [30, 60, 90, 120]
    assert lengths[-3:] == [300, 300, 300]


def test_each_sweep_that_it_is_well_forgives_one_ejection() -> None:
    setting = Setting(3)
    for _ in range(3):
        setting.bad(0, 5)
        setting.pass_time(setting[0].instance.ejected_until - setting.now)
    setting.pass_time(20)
    setting.bad(0, 5)
    assert setting[0].instance.ejected_until - setting.now == 60  # 3 less 2, and this one
    setting.pass_time(3600)
    setting.bad(0, 5)
    assert setting[0].instance.ejected_until - setting.now == 30


@pytest.mark.parametrize(("count", "most"), [(1, 0), (2, 1), (3, 1), (4, 2), (7, 3)])
def test_no_more_than_half_are_out_at_once_and_never_the_last_one(count: int, most: int) -> None:
    setting = Setting(count)
    for place in range(count):
        setting.bad(place, 20)
    assert len(setting.out()) == most


def test_one_may_always_be_out_where_there_are_two_or_more() -> None:
    setting = Setting(3, max_share=0.1)
    for place in range(3):
        setting.bad(place, 5)
    assert setting.out() == [0]


def test_the_last_one_stays_even_if_all_may_be_out() -> None:
    setting = Setting(3, max_share=1.0)
    for place in range(3):
        setting.bad(place, 5)
    assert setting.out() == [0, 1]


def test_attempts_that_end_badly_after_it_was_ejected_do_not_eject_it_again() -> None:
    setting = Setting(7)
    setting.bad(0, 5)
    setting.pass_time(1)
    setting.bad(0, 20)
    assert (setting[0].stats.ejections, setting[0].instance.ejected_until) == (1, 1030.0)
