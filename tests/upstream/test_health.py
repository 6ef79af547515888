"""Active checks on a clock run by hand: who is taken out, who comes back, and how many checks run at once."""

import asyncio
from typing import Any

import pytest

from bff.endpoint import Endpoint
from bff.errors import BackendUnreachable
from bff.service_settings import BalanceSettings, HealthSettings
from bff.testing import ManualClock
from bff.upstream.call import Attempt, Call, Reply
from bff.upstream.health import HealthChecks
from bff.upstream.instances import Instances
from bff.upstream.peers import Peers
from bff.upstream.stats import InstanceStats, ServiceStats


class Checked:
    """Answers checks with its status: 0 is no connection, -1 a loop of ours that was blocked, None never."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.targets: list[str] = []

    async def send(self, call: Call, attempt: Attempt) -> Reply:
        self.targets.append(f"{call.method} {call.target} {call.deadline.left():.1f}")
        if self.status is None:
            await asyncio.get_running_loop().create_future()
        if self.status in (0, -1):
            raise BackendUnreachable("users", ours=self.status == -1)
        return Reply(self.status or 0)

    async def close(self) -> None: ...


class Setting:
    def __init__(self, count: int = 2, **settings: Any) -> None:
        self.clock = ManualClock()
        self.wires: dict[str, Checked] = {}
        self.instances = Instances(self._wire, ServiceStats(), clock=self.clock)
        self.instances.update([Endpoint("http", f"h{place}", 1) for place in range(count)])
        self.peers = Peers(self.instances, BalanceSettings())
        health = HealthSettings.model_validate({"path": "/health", **settings})
        self.checks = HealthChecks("users", self.peers, health, "/health", lambda: 0.5, self.clock)

    def _wire(self, endpoint: Endpoint, stats: InstanceStats) -> Checked:
        wire = self.wires[endpoint.host] = Checked()
        return wire

    async def rounds(self, count: int) -> None:
        await self.clock.advance(count * 5.0)

    @property
    def healthy(self) -> list[bool]:
        return [peer.stats.healthy for peer in self.peers.all]


@pytest.mark.parametrize("status", [0, 500, 404, 302])
async def test_three_failed_checks_in_a_row_take_an_instance_out_and_two_good_ones_bring_it_back(status: int) -> None:
    setting = Setting()
    setting.wires["h0"].status = status
    setting.checks.start()
    await setting.rounds(1)
    assert setting.healthy == [True, True]  # two so far: at once, and after 5 s
    await setting.rounds(1)
    assert setting.healthy == [False, True]
    setting.wires["h0"].status = 204
    await setting.rounds(1)
    assert setting.healthy == [False, True]
    await setting.rounds(1)
    assert setting.healthy == [True, True]
    assert setting.peers.all[0].since == setting.clock.now()  # let in as slowly as a new one
    await setting.checks.close()


async def test_a_good_check_between_failed_ones_begins_the_row_anew() -> None:
    setting = Setting()
    setting.checks.start()
    await setting.rounds(0)
    for status in (0, 0, 200) * 5:
        setting.wires["h0"].status = status
        await setting.rounds(1)
    assert setting.healthy == [True, True]
    await setting.checks.close()


async def test_a_check_that_fails_through_our_own_fault_is_not_counted() -> None:
    setting = Setting()
    setting.wires["h0"].status = -1
    setting.checks.start()
    await setting.rounds(10)
    assert setting.healthy == [True, True]
    await setting.checks.close()


async def test_good_checks_bring_back_one_that_was_ejected_before_them() -> None:
    setting = Setting()
    setting.checks.start()
    await setting.rounds(4)
    peer = setting.peers.all[0]
    peer.stats.ejected, peer.instance.ejected_until, peer.checks = True, setting.clock.now() + 300, 0
    setting.peers.stale()
    ejected = []
    for _ in range(2):
        await setting.rounds(1)
        setting.peers.look(setting.clock.now())
        ejected.append(peer.stats.ejected)
    assert ejected == [True, False]
    await setting.checks.close()


async def test_every_instance_is_asked_for_the_path_within_the_timeout() -> None:
    setting = Setting(45, timeout=0.7)
    setting.checks.start()
    await setting.rounds(1)
    assert len(setting.wires) == 45
    assert all(wire.targets == ["GET /health 0.7"] * 2 for wire in setting.wires.values())
    await setting.checks.close()


async def test_no_more_than_twenty_are_asked_at_once() -> None:
    setting = Setting(45)
    for wire in setting.wires.values():
        wire.status = None
    setting.checks.start()
    await setting.rounds(0)
    assert sum(len(wire.targets) for wire in setting.wires.values()) == 20
    await setting.checks.close()


async def test_an_instance_that_comes_is_checked_though_nobody_calls() -> None:
    setting = Setting(1)
    setting.checks.start()
    await setting.rounds(1)
    setting.instances.update([Endpoint("http", "h0", 1), Endpoint("http", "new", 1)])
    await setting.rounds(1)
    assert len(setting.wires["new"].targets) == 1
    await setting.checks.close()


async def test_it_starts_once_and_leaves_no_task() -> None:
    setting = Setting()
    await setting.checks.close()  # never started
    for _ in range(3):
        setting.checks.start()
    await setting.rounds(0)
    assert len(setting.wires["h0"].targets) == 1
    await setting.checks.close()
    assert len(asyncio.all_tasks()) == 1
