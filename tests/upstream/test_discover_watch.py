"""Looking again and again: what is told on, how often is looked, and what a look that told nothing changes."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from bff.endpoint import Endpoint
from bff.testing.clock import ManualClock
from bff.upstream.discover_watch import NothingFound, Seen, Watch
from bff.upstream.stats import ServiceStats

ONE, TWO = (Endpoint("http", f"10.0.0.{last}", 80) for last in (1, 2))


class Looks:
    """A look that tells what it is set to, and what it was told on."""

    def __init__(self, *told: Endpoint) -> None:
        self.told: tuple[Endpoint, ...] | str = told
        self.again = 5.0
        self.trouble = ""
        self.looks = 0
        self.found: list[Sequence[Endpoint]] = []

    async def __call__(self) -> Seen:
        self.looks += 1
        await asyncio.sleep(0)
        if isinstance(self.told, str):
            raise NothingFound(self.told)
        return Seen(self.told, self.again, self.trouble)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stats() -> ServiceStats:
    return ServiceStats()


async def test_the_first_look_is_at_once_and_only_what_is_new_is_told(clock: ManualClock, stats: ServiceStats) -> None:
    look = Looks(ONE)
    watch = Watch("users", look, 5.0, stats, clock)
    watch.start(look.found.append)
    await clock.advance(0)
    assert look.found == [(ONE,)]
    await clock.advance(20)
    assert (look.looks, look.found) == (5, [(ONE,)])
    look.told = (ONE, TWO)
    await clock.advance(5)
    assert look.found == [(ONE,), (ONE, TWO)]
    await watch.close()


async def test_a_look_says_when_the_next_one_is_due(clock: ManualClock, stats: ServiceStats) -> None:
    look = Looks(ONE)
    look.again = 2.0
    watch = Watch("users", look, 5.0, stats, clock)
    watch.start(look.found.append)
    await clock.advance(10.5)
    assert look.looks == 6
    await watch.close()


async def test_what_was_found_holds_through_five_minutes_without_an_answer(
    clock: ManualClock, stats: ServiceStats, caplog: pytest.LogCaptureFixture
) -> None:
    look = Looks(ONE)
    watch = Watch("users", look, 5.0, stats, clock)
    watch.start(look.found.append)
    await clock.advance(0)
    look.told = "SERVFAIL"
    with caplog.at_level(logging.WARNING, "bff"):
        await clock.advance(300)
    assert look.found == [(ONE,)]
    assert stats.discovery_failed == 60
    assert [record.getMessage() for record in caplog.records] == [
        "discovery of users: SERVFAIL; what was found last still holds"
    ]
    look.told = (TWO,)
    await clock.advance(5)
    assert look.found == [(ONE,), (TWO,)]
    assert caplog.records[-1].getMessage() == "discovery of users: well again"
    await watch.close()


async def test_until_something_is_known_it_looks_every_second(clock: ManualClock, stats: ServiceStats) -> None:
    look = Looks()
    look.told = "no server"
    watch = Watch("users", look, 5.0, stats, clock)
    watch.start(look.found.append)
    await clock.advance(9.5)
    assert (look.looks, stats.discovery_failed, look.found) == (10, 10, [])
    look.told = (ONE,)
    await clock.advance(0.5)
    assert look.found == [(ONE,)]
    await watch.close()


async def test_a_part_that_could_not_be_had_is_counted_and_the_rest_is_told_on(clock: ManualClock, stats: ServiceStats) -> None:
    look = Looks(ONE)
    look.trouble = "b.internal: SERVFAIL"
    watch = Watch("users", look, 5.0, stats, clock)
    watch.start(look.found.append)
    await clock.advance(0)
    assert (look.found, stats.discovery_failed) == ([(ONE,)], 1)
    await watch.close()


async def test_nobody_looks_after_close(clock: ManualClock, stats: ServiceStats) -> None:
    look = Looks(ONE)
    watch = Watch("users", look, 5.0, stats, clock)
    await watch.close()
    watch.start(look.found.append)
    await clock.advance(0)
    await watch.close()
    await clock.advance(60)
    assert look.looks == 1


async def test_a_bug_in_a_look_is_logged_and_not_silent(
    clock: ManualClock, stats: ServiceStats, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> Seen:
        raise KeyError("a bug")

    watch = Watch("users", broken, 5.0, stats, clock)
    watch.start(lambda found: None)
    await clock.advance(0)
    assert "a bug in the discovery of users" in caplog.text
    assert "KeyError" in caplog.text
    await watch.close()
