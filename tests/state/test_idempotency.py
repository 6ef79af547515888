"""A key is claimed once, its result kept, and given free again by a run that did nothing or died; over both homes' port."""

import asyncio

import pytest

from bff.state.idempotency import CLOCK_SKEW, KEPT, Claim, Idempotency, Kept, KeyReused, StillRunning
from bff.state.memory import MemoryStore
from bff.state.store import StateUnavailable
from bff.testing import ManualClock


class Wall:
    """A wall clock that tests set."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


class Slow(MemoryStore):
    """A store that others come between: each command takes a turn of the loop."""

    async def get(self, key: str) -> bytes | None:
        await asyncio.sleep(0)
        return await super().get(key)

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        await asyncio.sleep(0)
        return await super().add(key, value, ttl)

    async def swap(self, key: str, expected: bytes, value: bytes | None, ttl: float) -> bool:
        await asyncio.sleep(0)
        return await super().swap(key, expected, value, ttl)


def keys(wall: Wall | None = None, clock: ManualClock | None = None) -> Idempotency:
    return Idempotency(Slow(1024 * 1024, clock or ManualClock()), wall or Wall())


async def claimed(found: Idempotency, fingerprint: str = "f") -> Claim:
    claim = await found.begin("k", fingerprint, 5.0)
    assert isinstance(claim, Claim)
    return claim


async def test_the_first_one_claims_the_key_and_its_result_is_kept_for_the_others() -> None:
    found = keys()
    claim = await claimed(found)
    with pytest.raises(StillRunning):
        await found.begin("k", "f", 5.0)
    assert await found.keep(claim, b"result")
    assert await found.begin("k", "f", 5.0) == Kept(b"result")
    assert isinstance(await found.begin("other", "f", 5.0), Claim)


async def test_another_request_under_the_key_is_refused_while_it_runs_when_it_is_free_and_when_it_has_ended() -> None:
    found = keys()
    claim = await claimed(found)
    with pytest.raises(KeyReused):
        await found.begin("k", "other", 5.0)
    await found.free(claim, renew=False)
    with pytest.raises(KeyReused):
        await found.begin("k", "other", 5.0)
    await found.keep(await claimed(found), b"result")
    with pytest.raises(KeyReused):
        await found.begin("k", "other", 5.0)


async def test_a_freed_key_is_claimed_anew_and_its_generation_says_whether_something_was_undone() -> None:
    found = keys()
    claim = await claimed(found)
    assert claim.generation == 0
    assert await found.free(claim, renew=False)
    again = await claimed(found)
    assert again.generation == 0
    assert await found.free(again, renew=True)
    assert (await claimed(found)).generation == 1


async def test_the_claim_of_a_process_that_died_ends_and_keeps_its_generation() -> None:
    wall = Wall()
    found = keys(wall)
    await found.free(await claimed(found), renew=True)
    dead = await claimed(found)
    wall.time += 5.0 + CLOCK_SKEW - 0.1
    with pytest.raises(StillRunning):
        await found.begin("k", "f", 5.0)
    wall.time += 0.2
    assert (await claimed(found)).generation == 1
    assert not await found.keep(dead, b"late"), "who lost its claim keeps nothing"
    assert not await found.free(dead, renew=False)


async def test_of_many_at_once_one_runs() -> None:
    found = keys()
    ended = await asyncio.gather(*(found.begin("k", "f", 5.0) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(one, Claim) for one in ended) == 1
    assert sum(isinstance(one, StillRunning) for one in ended) == 49


async def test_of_many_that_find_a_free_key_one_runs() -> None:
    found = keys()
    await found.free(await claimed(found), renew=False)
    ended = await asyncio.gather(*(found.begin("k", "f", 5.0) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(one, Claim) for one in ended) == 1
    assert sum(isinstance(one, StillRunning) for one in ended) == 49


async def test_a_result_is_kept_for_a_day() -> None:
    clock = ManualClock()
    found = keys(clock=clock)
    await found.keep(await claimed(found), b"result")
    await clock.advance(KEPT - 1)
    assert await found.begin("k", "f", 5.0) == Kept(b"result")
    await clock.advance(2)
    assert isinstance(await found.begin("k", "f", 5.0), Claim)


class Mute(MemoryStore):
    """Does what it is told, and while it is `mute` nobody hears that it did."""

    mute = False

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        return self._told(await super().add(key, value, ttl))

    async def swap(self, key: str, expected: bytes, value: bytes | None, ttl: float) -> bool:
        return self._told(await super().swap(key, expected, value, ttl))

    def _told(self, answer: bool) -> bool:
        if answer and self.mute:
            raise StateUnavailable("no answer in time")
        return answer


@pytest.mark.parametrize("was_free", [False, True], ids=["new", "freed"])
async def test_a_claim_whose_answer_was_lost_is_taken_back(was_free: bool) -> None:
    clock = ManualClock()
    store = Mute(1024 * 1024, clock)
    found = Idempotency(store, Wall(), clock)
    if was_free:
        await found.free(await claimed(found), renew=True)
    store.mute = True
    with pytest.raises(StateUnavailable):
        await found.begin("k", "f", 5.0)
    store.mute = False
    with pytest.raises(StillRunning):
        await found.begin("k", "f", 5.0)
    await clock.advance(0.1)
    assert (await claimed(found)).generation == was_free
    await found.close()


async def test_claims_that_are_being_taken_back_end_with_the_process_and_are_bounded() -> None:
    clock = ManualClock()
    store = Mute(1024 * 1024, clock)
    found = Idempotency(store, Wall(), clock)
    store.mute = True
    before = len(asyncio.all_tasks())
    for number in range(1100):
        with pytest.raises(StateUnavailable):
            await found.begin(str(number), "f", 5.0)
    assert len(asyncio.all_tasks()) - before <= 1000
    await found.close()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before


async def test_what_was_kept_though_no_answer_came_is_kept_and_not_lost_to_another_run() -> None:
    store = Mute(1024 * 1024, ManualClock())
    found = Idempotency(store, Wall())
    claim = await claimed(found)
    store.mute = True
    with pytest.raises(StateUnavailable):
        await found.keep(claim, b"result")
    store.mute = False
    assert await found.keep(claim, b"result")
    assert not await found.keep(claim, b"another result")


async def test_a_run_holds_its_key_until_another_one_has_it() -> None:
    wall = Wall()
    store = MemoryStore(1024 * 1024, ManualClock())
    found = Idempotency(store, wall)
    claim = await claimed(found)
    assert await found.holds(claim)
    store.memory.clear()
    assert await found.holds(claim), "what the store has lost nobody else has"
    claim = await claimed(found)
    wall.time += 5.0 + CLOCK_SKEW + 1
    assert await found.holds(claim), "nobody wanted it"
    await claimed(found)
    assert not await found.holds(claim)


async def test_who_comes_while_it_runs_is_told_how_long_the_claim_lasts() -> None:
    wall = Wall()
    found = keys(wall)
    await claimed(found)
    wall.time += 3.0
    with pytest.raises(StillRunning) as told:
        await found.begin("k", "f", 5.0)
    assert told.value.left == 2.0 + CLOCK_SKEW


async def test_a_record_that_is_none_of_ours_is_told_as_a_store_that_cannot_be_used() -> None:
    store = Slow(1024 * 1024, ManualClock())
    await store.set("k", b"poison", 60.0)
    with pytest.raises(StateUnavailable):
        await Idempotency(store, Wall()).begin("k", "f", 5.0)
