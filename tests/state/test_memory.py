"""The home in the process: its ends, its bound, and who leaves first."""

import pytest

from bff.state.memory import OVERHEAD, Memory, MemoryStore
from bff.state.open import state_of
from bff.state.store import StateUnavailable
from bff.state_settings import StateSettings
from bff.testing import ManualClock


def room_for(entries: int, *, key: int = 1, value: int = 1) -> int:
    return entries * (key + value + OVERHEAD)


async def test_a_value_is_gone_at_its_end_and_not_before() -> None:
    clock = ManualClock()
    memory = Memory(room_for(10), clock)
    memory.set("a", b"1", 2.0)
    await clock.advance(1.999)
    assert memory.get("a") == b"1"
    await clock.advance(0.001)
    assert memory.get("a") is None
    assert memory.add("a", b"2", 1.0)
    await clock.advance(1.0)
    assert not memory.swap("a", b"2", b"3", 1.0)


async def test_setting_again_gives_a_new_end() -> None:
    clock = ManualClock()
    memory = Memory(room_for(10), clock)
    memory.set("a", b"1", 1.0)
    memory.set("a", b"2", 10.0)
    await clock.advance(5.0)
    memory.set("b", b"1", 1.0)  # lets go of what has ended
    assert memory.get("a") == b"2"


def test_the_least_recently_used_leaves_first() -> None:
    memory = Memory(room_for(3), ManualClock())
    for key in "abc":
        memory.set(key, b"1", 60)
    assert memory.get("a") == b"1"
    memory.set("d", b"1", 60)
    assert [key for key in "abcd" if memory.get(key)] == ["a", "c", "d"]
    assert memory.evicted == 1


async def test_what_has_ended_leaves_before_what_lives() -> None:
    clock = ManualClock()
    memory = Memory(room_for(3), clock)
    memory.set("a", b"1", 60)
    memory.set("b", b"1", 1)
    memory.set("c", b"1", 60)
    await clock.advance(1)
    memory.set("d", b"1", 60)
    assert [key for key in "abcd" if memory.get(key)] == ["a", "c", "d"]
    assert memory.evicted == 0


def test_never_more_bytes_than_it_may() -> None:
    memory = Memory(10_000, ManualClock())
    for number in range(2_000):
        memory.set(f"key-{number % 150}", b"x" * (number % 900), 60)
        assert memory.size <= 10_000
    for number in range(150):
        memory.delete(f"key-{number}")
    assert (memory.size, len(memory)) == (0, 0)


def test_what_is_larger_than_all_is_refused_and_moves_nothing() -> None:
    memory = Memory(room_for(2), ManualClock())
    memory.set("a", b"1", 60)
    with pytest.raises(StateUnavailable, match="may be kept"):
        memory.set("b", b"x" * room_for(2), 60)
    with pytest.raises(StateUnavailable):
        memory.set("a", b"x" * room_for(2), 60)
    assert memory.get("a") == b"1"


def test_one_key_set_a_hundred_thousand_times_leaves_no_trail() -> None:
    memory = Memory(room_for(10), ManualClock())
    for _ in range(100_000):
        memory.set("a", b"1", 86_400)
    assert len(memory._ends) < 100


async def test_without_a_url_it_is_the_home() -> None:
    store = state_of(StateSettings(memory=1024))
    assert isinstance(store, MemoryStore)
    assert not store.shared
    with pytest.raises(StateUnavailable):
        await store.set("thali:a", b"x" * 2000, 1)
    await store.set("thali:a", b"x", 60)
    await store.close()
    assert await store.get("thali:a") is None
