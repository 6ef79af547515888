"""The delivery client, against the demo's own gRPC service; a wrong shape through a sender that gives it."""

from collections.abc import AsyncIterator

import pytest

from backends.running import Backends
from bff import BackendInvalid, Missing
from bff.service_settings import ServiceSettings
from bff.upstream import pipe
from bff.upstream.call import Call, Reply
from bff.upstream.service import Service
from clients.delivery import Delivery

NOBODYS = "999999999"


@pytest.fixture
async def backends() -> AsyncIterator[Backends]:
    async with Backends.start(only=["delivery"], free_ports=True) as running:
        yield running


@pytest.fixture
async def delivery(backends: Backends) -> AsyncIterator[Delivery]:
    settings = ServiceSettings(wire="grpc", instances=[f"http://{backends.address('delivery')}"], timeout=5)
    service = pipe.service("delivery", settings)
    yield Delivery(service)
    await service.sender.close()


def on_its_way(backends: Backends) -> str:
    row = backends.world.store.one("SELECT order_id FROM deliveries WHERE status = 'UNDER_WAY' LIMIT 1")
    assert row is not None
    return str(row["order_id"])


async def test_where_an_order_is_and_who_brings_it(backends: Backends, delivery: Delivery) -> None:
    order = on_its_way(backends)
    progress = await delivery.track(order)
    assert (progress.order_id, progress.status) == (order, "UNDER_WAY")
    assert progress.eta_seconds > 0
    assert progress.position is not None
    courier = await delivery.courier(progress.courier_id)
    assert courier.name
    assert 0 < courier.rating <= 5


async def test_many_deliveries_are_one_call_and_orders_without_one_are_left_out(backends: Backends, delivery: Delivery) -> None:
    order = on_its_way(backends)
    found = await delivery.progress.many([order, NOBODYS])
    assert list(found) == [order]
    assert found[order].status == "UNDER_WAY"
    assert len(delivery.scope.records) == 1
    assert await delivery.progress.many([]) == {}
    assert len(delivery.scope.records) == 1, "nothing is asked about nothing"


async def test_an_order_without_a_delivery_is_missing(delivery: Delivery) -> None:
    with pytest.raises(Missing):
        await delivery.track(NOBODYS)


class Saying:
    """A sender that answers every call with the same bytes."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def send(self, call: Call) -> Reply:
        return Reply(200, body=self.body)

    async def close(self) -> None:
        pass


async def test_a_wrong_shape_names_the_message() -> None:
    delivery = Delivery(Service("delivery", Saying(b"\xff\xff")))
    with pytest.raises(BackendInvalid, match=r"thali\.delivery\.v1\.Tracking"):
        await delivery.track("1")
