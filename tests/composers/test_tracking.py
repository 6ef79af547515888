"""Order tracking: order -> delivery -> courier, and whose order it is."""

import pytest

from bff import Missing
from bff.composition.engine import SectionFailed
from bff.faces import problems
from bff.testing import ManualClock, Result, run
from composers.tracking import tracking
from tests.composers.fakes import ADA, FIELDS, FakeDelivery, FakeOrders, Ways, failing, healthy, missing, slow


async def shown(*special: Ways, order: str = "1", clock: ManualClock | None = None, sections: str | None = None) -> Result:
    inputs = {"orderId": order} | ({"sections": sections} if sections else {})
    fakes = healthy(*special)
    return await run(tracking, fakes=fakes, fields=FIELDS, caller=ADA, inputs=inputs, clock=clock or ManualClock())


async def test_the_whole_way_of_an_order() -> None:
    result = await shown()
    assert result.complete
    assert result.data == {
        "order": {
            "id": "1",
            "status": "ON_THE_WAY",
            "total": {"amount": 900, "currency": "EUR"},
            "placedAt": "2026-01-02T12:00:00Z",
            "address": "Adalbertstr. 1",
        },
        "lines": [{"name": "Dal", "quantity": 2, "price": {"amount": 450, "currency": "EUR"}}],
        "delivery": {"status": "UNDER_WAY", "etaMinutes": 2, "lat": 52.5, "lon": 13.4},
        "courier": {"name": "Grace", "vehicle": "bicycle", "phone": "+49 30 1", "rating": 4.9},
    }


async def test_another_users_order_is_as_missing_as_one_that_is_not_there() -> None:
    told = []
    for fake, order in ((FakeOrders(), "666"), (missing("orders", "order"), "1")):
        with pytest.raises(SectionFailed) as caught:
            await shown(fake, order=order)
        assert isinstance(caught.value.cause, Missing)
        told.append(problems.of(caught.value).document("r-1"))
    assert told[0] == told[1], "the answer does not tell that such an order exists"
    assert told[0]["status"] == 404


async def test_nobody_else_is_asked_about_another_users_order() -> None:
    orders, delivery = FakeOrders(), FakeDelivery()
    with pytest.raises(SectionFailed):
        await shown(orders, delivery, order="666")
    assert orders.calls == [("order", "666")]
    assert delivery.calls == []


async def test_a_required_order_that_hangs_fails_the_screen_after_its_400_ms() -> None:
    clock = ManualClock()
    began = clock.now()
    with pytest.raises(SectionFailed) as caught:
        await shown(slow("orders", "order", clock), clock=clock)
    assert problems.of(caught.value).document("r-1")["status"] == 504
    assert clock.now() - began == pytest.approx(0.405)


PARTS: list[tuple[str, str, dict[str, object], float]] = [
    ("orders", "lines", {"lines": []}, 0.3),
    ("delivery", "track", {"delivery": None, "courier": None}, 0.3),
    ("delivery", "courier", {"courier": None}, 0.3),
]


@pytest.mark.parametrize(("service", "method", "instead", "seconds"), PARTS)
async def test_a_hung_call_costs_its_sections_and_no_more_than_its_timeout(
    service: str, method: str, instead: dict[str, object], seconds: float
) -> None:
    clock = ManualClock()
    began = clock.now()
    result = await shown(slow(service, method, clock), clock=clock)
    assert {name: result.data[name] for name in instead} == instead
    assert set(result.outcomes) == set(instead)
    assert {outcome.service for outcome in result.outcomes.values()} == {service}
    assert result.data["order"]["id"] == "1"
    assert clock.now() - began == pytest.approx(seconds + 0.005)


async def test_an_order_without_a_delivery_says_what_it_waits_for() -> None:
    result = await shown(missing("delivery", "track"))
    assert result.data["delivery"] is None
    assert result.outcome("courier").reason == "needs progress"
    assert result.outcome("courier").service == "delivery"


async def test_the_courier_alone_asks_for_no_lines() -> None:
    orders, delivery = FakeOrders(), FakeDelivery()
    result = await shown(orders, delivery, sections="courier")
    assert result.data["courier"]["name"] == "Grace"
    assert orders.calls == [("order", "1")]
    assert delivery.calls == [("track", "1"), ("courier", "4")]


async def test_an_unknown_status_is_the_orders_services_failure() -> None:
    orders = FakeOrders()
    orders.status = "TELEPORTED"
    with pytest.raises(SectionFailed) as caught:
        await shown(orders)
    assert caught.value.outcome.as_meta() == {"status": "unavailable", "reason": "invalid", "service": "orders"}


async def test_failing_delivery_never_hides_the_order() -> None:
    result = await shown(failing("delivery", "track"))
    assert result.data["order"]["status"] == "ON_THE_WAY"
    assert result.data["lines"]
