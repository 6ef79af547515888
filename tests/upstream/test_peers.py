"""Which instances may be called now and what share each should get: health, panic, slow start, weights, who comes and goes."""

from typing import Any

import pytest

from bff.endpoint import Endpoint
from bff.service_settings import BalanceSettings
from bff.testing import ManualClock
from bff.upstream.call import Attempt, Call, Reply
from bff.upstream.instances import Instances
from bff.upstream.peers import Peers
from bff.upstream.stats import ServiceStats


class NoWire:
    async def send(self, call: Call, attempt: Attempt) -> Reply:
        raise AssertionError("only looked at, never called")

    async def close(self) -> None: ...


class Setting:
    """Instances found at 1000 s; `find` finds others."""

    def __init__(self, *names: str, **settings: Any) -> None:
        self.clock = ManualClock(1000.0)
        self.instances = Instances(lambda _, __: NoWire(), ServiceStats(), clock=self.clock)
        self.peers = Peers(self.instances, BalanceSettings.model_validate(settings))
        self.find(*names)

    def find(self, *names: str, weight: int = 1) -> None:
        self.instances.update([Endpoint("http", name, 1, weight) for name in names])

    def near(self, now: float) -> list[str]:
        if now >= self.peers.until:
            self.peers.look(now)
        return [peer.name for peer in self.peers.near]

    def eject(self, place: int, until: float) -> None:
        peer = self.peers.all[place]
        peer.stats.ejected, peer.instance.ejected_until = True, until
        self.peers.stale()

    def sicken(self, *places: int) -> None:
        for place in places:
            self.peers.all[place].instance.healthy = False
        self.peers.stale()

    def shares(self, now: float) -> list[float]:
        self.near(now)
        return [round(peer.share, 3) for peer in self.peers.near]


def test_an_ejected_one_is_left_out_until_its_time_is_over() -> None:
    setting = Setting("a", "b", "c")
    assert setting.near(1000) == ["a:1", "b:1", "c:1"]
    setting.eject(1, 1030.0)
    assert setting.near(1000) == setting.near(1029.9) == ["a:1", "c:1"]
    assert setting.near(1030) == ["a:1", "b:1", "c:1"]
    assert not setting.peers.all[1].stats.ejected


def test_one_that_fails_its_checks_is_left_out() -> None:
    setting = Setting("a", "b", "c")
    setting.near(1000)
    setting.sicken(0)
    assert setting.near(1000) == ["b:1", "c:1"]
    assert not setting.peers.panic


@pytest.mark.parametrize(("panic", "called"), [(0.5, 3), (0.33, 1)])
def test_f20_when_too_few_are_well_all_are_called(panic: float, called: int) -> None:
    setting = Setting("a", "b", "c", panic=panic)
    setting.near(1000)
    setting.sicken(0, 1)
    assert len(setting.near(1000)) == called
    assert setting.peers.panic == (called == 3)


def test_with_panic_off_none_is_called_when_none_is_well() -> None:
    setting = Setting("a", panic=0)
    setting.near(1000)
    setting.sicken(0)
    assert setting.near(1000) == []


def test_the_only_one_is_called_however_ill_it_is() -> None:
    setting = Setting("a")
    setting.near(1000)
    setting.sicken(0)
    assert setting.near(1000) == ["a:1"]


def test_a_new_one_starts_with_a_tenth_and_has_all_of_its_share_after_ten_seconds() -> None:
    setting = Setting("a")
    setting.near(1000)
    setting.clock._now = 2000.0
    setting.find("a", "b")
    relation = {now: round(setting.shares(now)[1] / setting.shares(now)[0], 3) for now in (2000.0, 2005.0, 2010.0)}
    assert relation == {2000.0: 0.1, 2005.0: 0.55, 2010.0: 1.0}
    assert setting.peers.until == float("inf")  # nothing grows any more


def test_one_that_was_ejected_comes_back_as_slowly_as_a_new_one() -> None:
    setting = Setting("a", "b")
    setting.near(1020)
    setting.eject(1, 1050.0)
    setting.near(1049)
    one, other = setting.shares(1050)
    assert round(other / one, 3) == 0.1


def test_shares_go_by_weight_and_their_mean_is_one() -> None:
    setting = Setting("a", "b", slow_start=0)
    setting.instances.update([Endpoint("http", "a", 1, 3), Endpoint("http", "b", 1, 1)])
    assert setting.shares(1000) == [1.5, 0.5]


def test_who_stays_keeps_what_is_remembered_and_who_left_is_not_called() -> None:
    setting = Setting("a", "b", slow_start=0)
    setting.near(1000)
    kept = setting.peers.all[0]
    kept.streak = 3
    setting.instances.update([Endpoint("http", "a", 1, 2), Endpoint("http", "b", 1)])  # nobody leaves: no loop is needed
    setting.near(1000)
    assert setting.peers.all[0] is kept
    assert kept.streak == 3


async def test_one_that_left_is_not_called() -> None:
    setting = Setting("a", "b")
    setting.near(1000)
    setting.find("b", "c")
    assert setting.near(1000) == ["b:1", "c:1"]
    await setting.instances.close()


def test_a_share_that_changed_makes_another_tuple_so_that_policies_see_it() -> None:
    setting = Setting("a", "b")
    setting.near(1000)
    before = setting.peers.near
    setting.near(1001)
    assert setting.peers.near is not before
