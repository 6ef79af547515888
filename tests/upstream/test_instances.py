"""The set of instances: who stays keeps what it has, who leaves ends its calls first, and nobody is forgotten."""

import asyncio
from collections.abc import Sequence

import pytest

from bff.endpoint import Endpoint
from bff.errors import BackendUnreachable
from bff.testing.clock import ManualClock
from bff.upstream.call import Attempt, Call, Reply
from bff.upstream.instances import MOST, Instance, Instances
from bff.upstream.stats import InstanceStats, ServiceStats

ONE, TWO, THREE = (Endpoint("http", f"10.0.0.{last}", 80) for last in (1, 2, 3))


class FakeWire:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.closed = False

    async def send(self, call: Call, attempt: Attempt) -> Reply:
        raise BackendUnreachable(call.service, "a fake")

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed = True


class Wires:
    """Every wire that was made, in order."""

    def __init__(self) -> None:
        self.made: list[FakeWire] = []

    def __call__(self, endpoint: Endpoint, stats: InstanceStats) -> FakeWire:
        self.made.append(FakeWire(endpoint))
        return self.made[-1]

    def closed(self) -> int:
        return sum(wire.closed for wire in self.made)


@pytest.fixture
def wires() -> Wires:
    return Wires()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stats() -> ServiceStats:
    return ServiceStats()


@pytest.fixture
def instances(wires: Wires, stats: ServiceStats, clock: ManualClock) -> Instances:
    return Instances(wires, stats, clock=clock)


def turning(turn: int) -> Endpoint:
    return Endpoint("http", f"10.2.0.{turn % 200}", 80)


def names(found: Sequence[Instance]) -> list[str]:
    return [instance.name for instance in found]


def test_nobody_is_known_before_the_first_update(instances: Instances) -> None:
    assert instances.live == ()


def test_a_new_instance_has_a_wire_and_its_stats_among_those_of_the_service(
    instances: Instances, wires: Wires, stats: ServiceStats, clock: ManualClock
) -> None:
    instances.update([ONE])
    (instance,) = instances.live
    assert instance.wire is wires.made[0]
    assert stats.instances == {"10.0.0.1:80": instance.stats}
    assert (instance.since, instance.ejected_until, instance.healthy, instance.draining) == (clock.now(), 0.0, True, False)


async def test_who_stays_keeps_its_wire_its_counts_and_its_age(instances: Instances, wires: Wires, clock: ManualClock) -> None:
    instances.update([ONE, TWO])
    before = instances.live[1]
    await clock.advance(60)
    instances.update([TWO, THREE])
    assert names(instances.live) == ["10.0.0.2:80", "10.0.0.3:80"]
    assert instances.live[0] is before
    assert instances.live[1].since == before.since + 60
    assert len(wires.made) == 3


async def test_the_same_list_is_the_same_tuple_and_a_new_weight_is_not(instances: Instances, wires: Wires) -> None:
    instances.update([ONE, TWO])
    before = instances.live
    instances.update([ONE, TWO])
    assert instances.live is before
    heavier = Endpoint("http", "10.0.0.1", 80, weight=3)
    instances.update([heavier, TWO])
    assert instances.live is not before
    assert instances.live[0] is before[0]
    assert instances.live[0].weight == instances.live[0].stats.weight == 3
    assert len(wires.made) == 2


def test_a_weight_of_the_settings_goes_before_the_one_that_was_found(wires: Wires, stats: ServiceStats) -> None:
    instances = Instances(wires, stats, weights={"10.0.0.1:80": 5})
    instances.update([Endpoint("http", "10.0.0.1", 80, weight=2), Endpoint("http", "10.0.0.2", 80, weight=2)])
    assert [instance.weight for instance in instances.live] == [5, 2]


async def test_who_left_gets_no_new_call_and_is_closed_when_its_last_one_has_ended(
    instances: Instances, wires: Wires, stats: ServiceStats, clock: ManualClock
) -> None:
    instances.update([ONE, TWO])
    leaving = instances.live[0]
    leaving.stats.in_flight = 1
    instances.update([TWO])
    assert names(instances.live) == ["10.0.0.2:80"]
    assert leaving.draining
    await clock.advance(20)
    assert wires.closed() == 0
    assert "10.0.0.1:80" in stats.instances
    leaving.stats.in_flight = 0
    await clock.advance(0.2)
    assert wires.closed() == 1
    assert list(stats.instances) == ["10.0.0.2:80"]


async def test_a_call_that_never_ends_holds_its_instance_for_thirty_seconds(
    instances: Instances, wires: Wires, clock: ManualClock
) -> None:
    instances.update([ONE, TWO])
    instances.live[0].stats.in_flight = 1
    instances.update([TWO])
    await clock.advance(29.8)
    assert wires.closed() == 0
    await clock.advance(0.5)
    assert wires.closed() == 1


async def test_who_comes_back_while_it_ends_its_calls_goes_on_as_it_was(
    instances: Instances, wires: Wires, clock: ManualClock
) -> None:
    instances.update([ONE, TWO])
    first = instances.live[0]
    first.stats.in_flight, first.ejected_until = 1, 2000.0
    instances.update([TWO])
    await clock.advance(10)
    instances.update([ONE, TWO])
    assert instances.live[0] is first
    assert not first.draining
    assert first.ejected_until == 2000.0
    await clock.advance(60)
    assert wires.closed() == 0
    assert len(wires.made) == 2


@pytest.mark.parametrize(
    "now", [Endpoint("https", "10.0.0.1", 80), Endpoint("http", "10.0.0.1", 80, server_name="users.internal")]
)
async def test_an_address_that_is_spoken_to_otherwise_is_another_instance(
    now: Endpoint, instances: Instances, wires: Wires, stats: ServiceStats, clock: ManualClock
) -> None:
    instances.update([ONE])
    before = instances.live[0]
    before.stats.in_flight = 1
    instances.update([now])
    assert instances.live[0] is not before
    assert stats.instances["10.0.0.1:80"] is instances.live[0].stats
    before.stats.in_flight = 0
    await clock.advance(0.2)
    assert [wire.closed for wire in wires.made] == [True, False]
    assert stats.instances["10.0.0.1:80"] is instances.live[0].stats


def test_an_instance_that_is_named_twice_is_one_and_a_thousand_are_the_most(instances: Instances, stats: ServiceStats) -> None:
    instances.update([ONE, ONE])
    assert names(instances.live) == ["10.0.0.1:80"]
    instances.update([ONE, *(Endpoint("http", f"10.1.{n // 250}.{n % 250}", 80) for n in range(2 * MOST))])
    assert len(instances.live) == len(stats.instances) == MOST


async def test_close_closes_every_wire_and_no_update_follows(instances: Instances, wires: Wires, stats: ServiceStats) -> None:
    instances.update([ONE, TWO])
    instances.live[0].stats.in_flight = 1
    instances.update([TWO])
    await instances.close()
    assert wires.closed() == 2
    assert instances.live == ()
    assert stats.instances == {}
    instances.update([ONE])
    assert instances.live == ()


async def test_instances_that_come_and_go_leave_nothing_behind(
    instances: Instances, wires: Wires, stats: ServiceStats, clock: ManualClock
) -> None:

    for turn in range(300):
        instances.update([turning(turn), turning(turn + 1)])
        await clock.advance(0.2)
    assert len(stats.instances) == 2
    assert len(wires.made) - wires.closed() == 2
