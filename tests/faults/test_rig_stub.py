"""The rig's stub process does what it is told and counts what it sees: a fault that does not strike proves nothing."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.faults.rig.backends import Backends, backends
from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.proof import proof


@pytest.fixture
async def stubs() -> AsyncIterator[Backends]:
    async with backends({"picks": 2}) as running:
        yield running


async def get(stubs: Backends, copy: int = 0, seconds: float = 5.0, headers: dict[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=seconds) as http:
        return await http.get(stubs.urls("picks")[copy] + "/picks", headers=headers)


async def test_it_answers_more_than_any_scenario_asks(stubs: Backends) -> None:
    assert "answered" in await proof(stubs, seconds=1.0)


async def test_it_is_slow_wrong_or_says_later_as_it_is_told(stubs: Backends) -> None:
    await stubs.fault("picks", Behaviour(latency=0.1, status=503, headers={"retry-after": "2"}, body="later"))
    started = time.monotonic()
    answer = await get(stubs)
    assert time.monotonic() - started >= 0.09
    assert (answer.status_code, answer.headers["retry-after"], answer.text) == (503, "2", "later")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Behaviour("reset"), httpx.ReadError),
        (Behaviour("reset_midway"), httpx.ReadError),
        (Behaviour("truncate"), httpx.RemoteProtocolError),
        (Behaviour("hang"), httpx.ReadTimeout),
        (Behaviour("drip", rate=1), httpx.ReadTimeout),
    ],
    ids=lambda value: value.kind if isinstance(value, Behaviour) else "",
)
async def test_it_breaks_answers_as_it_is_told(stubs: Backends, fault: Behaviour, error: type[Exception]) -> None:
    await stubs.fault("picks", fault)
    with pytest.raises(error):
        await get(stubs, seconds=0.3)


async def test_it_pours_as_much_as_it_is_told(stubs: Backends) -> None:
    await stubs.fault("picks", Behaviour("pour", size=3_000_000))
    assert len((await get(stubs)).content) == 3_000_000


async def test_a_share_is_spread_evenly_and_a_path_spares_the_others(stubs: Backends) -> None:
    await stubs.fault("picks", Behaviour(status=500, share=0.5))
    assert [(await get(stubs)).status_code for _ in range(4)] == [200, 500, 200, 500]
    await stubs.fault("picks", Behaviour(status=500, path="/health"))
    assert (await get(stubs)).status_code == 200


async def test_one_copy_goes_away_and_comes_back_on_its_port(stubs: Backends) -> None:
    await stubs.away("picks", instance=1)
    with pytest.raises(httpx.ConnectError):
        await get(stubs, copy=1)
    assert (await get(stubs, copy=0)).status_code == 200
    await stubs.away("picks", away=False, instance=1)
    assert (await get(stubs, copy=1)).status_code == 200


async def test_it_counts_what_it_read_answered_and_lost(stubs: Backends) -> None:
    await get(stubs, headers={"request-timeout": "390", "traceparent": "00-1-2-00", "x-once": "a"})
    await get(stubs, headers={"x-once": "a"})
    await stubs.fault("picks", Behaviour("hang"))
    with pytest.raises(httpx.ReadTimeout):
        await get(stubs, seconds=0.1)
    first, second = (await stubs.counts())["picks"]
    assert (first.requests, first.answered, first.cut, first.in_flight, first.max_in_flight) == (3, 2, 1, 0, 1)
    assert (first.traced, first.sent_twice, second.requests) == (1, 1, 0)
    log = (await stubs.log("picks"))[0]
    assert [(seen.how, seen.told) for seen in log] == [("answered", 390), ("answered", 0), ("cut", 0)]
    assert log[2].ended - log[2].arrived >= 0.09
    await stubs.reset()
    assert (await stubs.count("picks")).requests == 0
