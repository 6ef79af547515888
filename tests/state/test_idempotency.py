"""A key is claimed once, its result kept, and given free again by a run that did nothing or died; over both homes' port."""

import asyncio

import pytest

from bff.state.idempotency import CLOCK_SKEW, KEPT, Claim, Idempotency, Kept, KeyReused, StillRunning
from bff.state.memory import MemoryStore
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
