"""The load is open-loop: a backend that stalls does not slow down those who ask it, and no wait goes uncounted."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.faults.rig.backends import Backends, backends
from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.offering import offered
from tests.faults.rig.samples import LEFT, LOST, Sample, Samples, Stream


@pytest.fixture
async def stubs() -> AsyncIterator[Backends]:
    async with backends({"picks": 1}) as running:
        yield running


async def test_a_slow_backend_is_asked_as_often_as_a_quick_one(stubs: Backends) -> None:
    await stubs.fault("picks", Behaviour(latency=0.6))
    async with offered(stubs.ports["picks"][0], Stream("picks", "/picks", 100)) as load:
        await asyncio.sleep(1.5)
    assert len(load.samples) >= 100  # closed-loop, a few connections would have sent a handful
    assert all(sample.took >= 0.59 for sample in load.samples.all)
    gaps = [later.due - earlier.due for earlier, later in zip(load.samples.all, load.samples.all[1:], strict=False)]
    assert all(abs(gap - 0.01) < 1e-6 for gap in gaps)  # due by the clock, whenever it was sent


async def test_waves_go_at_once_and_leave_without_their_answer(stubs: Backends) -> None:
    await stubs.fault("picks", Behaviour("hang"))
    async with offered(stubs.ports["picks"][0], Stream("leaving", "/picks", 50, leave_after=0.1, every=10)) as load:
        await asyncio.sleep(1)
    assert len({sample.due for sample in load.samples.all}) == len(load.samples) / 10
    assert Counter(sample.status for sample in load.samples.all) == {LEFT: len(load.samples)}
    assert (await stubs.count("picks")).cut == len(load.samples)


async def test_what_is_refused_is_lost_and_counted(stubs: Backends) -> None:
    await stubs.away("picks")
    async with offered(stubs.ports["picks"][0], Stream("picks", "/picks", 50)) as load:
        await asyncio.sleep(1)
    assert load.samples.all
    assert {sample.status for sample in load.samples.all} == {LOST}


def test_figures_are_of_the_samples_that_were_asked_for() -> None:
    found = [Sample(0, due / 8, due / 100, 200 if due % 2 else 503, bool(due % 2)) for due in range(80)]
    samples = Samples(["a", "b"], found)
    assert samples.p(0.99) == 0.79
    assert samples.p(0.5) == 0.39
    assert samples.worst == 0.79
    assert len(samples.of("b")) == 0
    assert len(samples.between(1.0, 2.0)) == 8
    assert samples.answered(503).share(lambda sample: sample.complete) == 0.0
    assert samples.share(lambda sample: sample.complete) == 0.5
    assert {second: len(found) for second, found in samples.by_second(0.0).items()} == dict.fromkeys(range(10), 8)
