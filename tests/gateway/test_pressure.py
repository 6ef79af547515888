"""What presses a worker, and what it leaves off because of it."""

from collections.abc import Callable
from errno import EMFILE

import pytest

from bff.composition.relief import Relief
from bff.deadline import Timer
from bff.gateway.pressure import BEAT, Pressure
from bff.gateway.saturation import Saturation
from bff.settings import ShedSettings
from bff.testing import ManualClock
from bff.upstream.stats import ServiceStats


class Blocked(ManualClock):
    """Its timers ring late by `late` seconds, as on a loop that is blocked."""

    late = 0.0

    def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Timer:
        return super().call_at(when + self.late, callback, *args)


class Memory:
    """The share that is read, set by hand."""

    share = 0.1
    reads = 0
    fails = False

    def __call__(self) -> float:
        if self.fails:
            raise OSError(EMFILE, "Too many open files")
        self.reads += 1
        return self.share


async def test_nothing_presses_on_a_worker_that_is_well() -> None:
    clock = ManualClock()
    pressure = Pressure(ShedSettings(max_in_flight=100), clock=clock)
    pressure.start()
    await clock.advance(5)
    assert (pressure.level, pressure.relief, pressure.closing, pressure.lag) == (0, None, False, 0.0)
    assert pressure.room == {"critical": 120, "high": 100, "normal": 97, "low": 80}


async def test_a_lagging_loop_sheds_optional_sections_then_the_low_then_all_but_the_critical() -> None:
    clock = Blocked()
    clock.late = 0.15
    pressure = Pressure(ShedSettings(max_in_flight=100), clock=clock)
    pressure.start()
    pressure.in_flight = 40
    rooms: dict[int, dict[str, int]] = {}
    for _ in range(80):
        await clock.advance(BEAT)
        rooms.setdefault(pressure.level, {str(priority): room for priority, room in pressure.room.items()})
    assert rooms[1] == {"critical": 120, "high": 100, "normal": 97, "low": 80}
    assert rooms[2] == {"critical": 120, "high": 100, "normal": 20, "low": 0}
    assert rooms[3] == {"critical": 120, "high": 0, "normal": 0, "low": 0}
    assert pressure.relief == Relief(overload=True)
    assert pressure.lag >= 0.149


async def test_one_long_block_sheds_nothing_and_is_seen_for_a_while() -> None:
    clock = Blocked()
    clock.late = 3.0
    pressure = Pressure(ShedSettings(), clock=clock)
    pressure.start()
    clock.late = 0.0
    await clock.advance(3 + BEAT)
    assert pressure.lag >= 2.99
    await clock.advance(1)
    assert 1.4 < pressure.lag < 1.6
    assert pressure.level == 0
    await clock.advance(20)
    assert pressure.lag < 0.01


async def test_after_the_highest_level_all_is_as_before_within_five_seconds() -> None:
    clock = Blocked()
    clock.late = 0.15
    pressure = Pressure(ShedSettings(max_in_flight=100), clock=clock)
    pressure.start()
    await clock.advance(5)
    assert pressure.level == 3
    clock.late = 0.0
    await clock.advance(5)
    assert (pressure.level, pressure.relief) == (0, None)
    assert pressure.room["low"] == 80


async def test_places_that_are_nearly_all_in_use_leave_off_optional_sections_and_no_more() -> None:
    clock = ManualClock()
    pressure = Pressure(ShedSettings(max_in_flight=100), clock=clock)
    pressure.start()
    pressure.in_flight = 80
    await clock.advance(0.9)
    assert pressure.level == 0
    await clock.advance(10)
    assert pressure.level == 1
    pressure.in_flight = 75
    await clock.advance(10)
    assert pressure.level == 1
    pressure.in_flight = 60
    await clock.advance(2)
    assert pressure.level == 0


async def test_memory_closes_connections_first_and_refuses_last_and_is_read_once_a_second() -> None:
    clock, memory = ManualClock(), Memory()
    pressure = Pressure(ShedSettings(max_in_flight=100), memory=memory, clock=clock)
    pressure.start()
    found = []
    for memory.share in (0.84, 0.86, 0.96, 0.91, 0.89, 0.81, 0.79):
        await clock.advance(1.1)
        found.append((pressure.closing, pressure.level))
    assert found == [(False, 0), (True, 0), (True, 3), (True, 3), (True, 0), (True, 0), (False, 0)]
    assert pressure.memory == 0.79
    assert memory.reads <= 8


async def test_a_full_service_is_relieved_though_the_process_is_well() -> None:
    clock, stats = ManualClock(), ServiceStats(limit=5, in_flight=5)
    pressure = Pressure(ShedSettings(), Saturation({"orders": stats}, frozenset({"orders"})), clock=clock)
    pressure.start()
    await clock.advance(BEAT)
    assert pressure.relief == Relief(overload=False, saturated=frozenset({"orders"}))
    stats.in_flight = 4
    await clock.advance(BEAT)
    assert pressure.relief is None


async def test_switched_off_it_still_measures_and_refuses_nobody() -> None:
    clock, memory = Blocked(), Memory()
    clock.late, memory.share = 0.15, 0.99
    pressure = Pressure(ShedSettings(on=False, max_in_flight=1), memory=memory, clock=clock)
    pressure.start()
    pressure.in_flight = 1_000
    await clock.advance(5)
    assert (pressure.level, pressure.relief, pressure.closing) == (0, None, False)
    assert min(pressure.room.values()) > 1_000_000
    assert (pressure.lag >= 0.149, pressure.memory) == (True, 0.99)


async def test_it_stops_looking() -> None:
    clock, memory = ManualClock(), Memory()
    pressure = Pressure(ShedSettings(), memory=memory, clock=clock)
    pressure.start()
    await clock.advance(2)
    pressure.stop()
    reads = memory.reads
    assert reads
    await clock.advance(5)
    assert memory.reads == reads


async def test_a_look_that_fails_is_not_the_last() -> None:
    clock, memory = ManualClock(), Memory()
    pressure = Pressure(ShedSettings(max_in_flight=100), memory=memory, clock=clock)
    pressure.start()
    memory.share = 0.96
    await clock.advance(1.1)
    assert pressure.level == 3
    memory.fails = True
    with pytest.raises(OSError, match="Too many open files"):
        await clock.advance(2)
    memory.fails, memory.share = False, 0.1
    await clock.advance(2)
    assert pressure.level == 0
