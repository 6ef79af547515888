"""Breaker and bulkhead over real sockets: what the service sees of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bff.deadline import LOOP_CLOCK, Clock
from bff.endpoint import Endpoint
from bff.errors import BackendBusy, BreakerOpen
from bff.testing import Fault, ManualClock, StubService
from bff.upstream.balance import Balance
from bff.upstream.breaker import Breaker
from bff.upstream.bulkhead import Bulkhead
from bff.upstream.instances import Instances
from bff.upstream.stats import ServiceStats
from bff.upstream.wires import wires
from tests.upstream.calls import call, settings


@asynccontextmanager
async def guarded(stub: StubService, clock: Clock = LOOP_CLOCK, **given: object) -> AsyncIterator[tuple[Breaker, ServiceStats]]:
    """The layers around a wire to the stub; the breaker runs by this clock."""
    of, stats = settings(instances=[f"http://{stub.address}"], **given), ServiceStats()
    instances = Instances(wires("shop", of), stats)
    instances.update([Endpoint.of(url) for url in of.instances])
    bulkhead = Bulkhead("shop", Balance("shop", instances, of, stats), of, stats)
    layer = Breaker("shop", bulkhead, of, stats, clock=clock, draw=lambda: 0.5)
    try:
        yield layer, stats
    finally:
        await layer.close()


async def test_a_service_that_fails_is_left_alone_and_found_out_when_it_is_well() -> None:
    clock = ManualClock()
    async with StubService({"/products": []}) as stub, guarded(stub, clock) as (layer, stats):
        stub.fault = Fault("status", status=500)
        for _ in range(20):
            assert (await layer.send(call(LOOP_CLOCK))).status == 500
        for _ in range(100):
            with pytest.raises(BreakerOpen):
                await layer.send(call(LOOP_CLOCK))
        assert stub.counters.calls == 20
        stub.fault = None
        await clock.advance(5)
        for _ in range(3):
            assert (await layer.send(call(LOOP_CLOCK))).status == 200
        assert (stub.counters.calls, stats.breaker) == (23, "closed")


async def test_a_place_is_held_while_the_body_comes_and_free_as_soon_as_its_call_is_cancelled() -> None:
    async with (
        StubService({"/products": [1, 2, 3]}) as stub,
        guarded(stub, max_in_flight=1, bulkhead={"queue": 0}) as (layer, stats),
    ):
        stub.fault = Fault("drip")
        first = asyncio.ensure_future(layer.send(call(LOOP_CLOCK, 30)))
        await stub.wait_for(lambda: stub.counters.bytes_out > 0)
        with pytest.raises(BackendBusy):
            await layer.send(call(LOOP_CLOCK))
        first.cancel()
        await asyncio.wait([first])
        assert (stats.in_flight, stats.busy) == (0, 1)
        stub.fault = None
        assert (await layer.send(call(LOOP_CLOCK))).status == 200
