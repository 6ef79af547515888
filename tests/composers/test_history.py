"""The order history: pages of orders, where they came from and whether they are paid."""

import pytest

from bff import Caller
from bff.composition.engine import SectionFailed
from bff.composition.inputs import BadInput
from bff.testing import ManualClock, Result, run
from composers.history import history
from tests.composers.fakes import ADA, FIELDS, FakeOrders, FakePayments, FakeRestaurants, Ways, failing, healthy, slow


async def shown(*special: Ways, caller: Caller = ADA, clock: ManualClock | None = None, **inputs: str) -> Result:
    fakes = healthy(*special)
    return await run(history, fakes=fakes, fields=FIELDS, caller=caller, inputs=inputs, clock=clock or ManualClock())


async def test_a_page_of_orders() -> None:
    result = await shown()
    assert result.complete
    assert result.data["orders"] == {
        "items": [
            {
                "id": "1",
                "status": "ON_THE_WAY",
                "total": {"amount": 900, "currency": "EUR"},
                "dishes": 1,
                "placedAt": "2026-01-02T12:00:00Z",
                "restaurantId": "5",
                "restaurantName": "Restaurant 5",
                "payment": "CAPTURED",
            },
            {
                "id": "2",
                "status": "ON_THE_WAY",
                "total": {"amount": 900, "currency": "EUR"},
                "dishes": 1,
                "placedAt": "2026-01-02T12:00:00Z",
                "restaurantId": "100",
                "restaurantName": None,
                "payment": None,
            },
        ],
        "next": "next",
    }


async def test_pages_are_those_of_the_caller_and_end_with_null() -> None:
    orders = FakeOrders()
    result = await shown(orders, limit="5", cursor="next")
    assert result.data["orders"]["next"] is None
    assert orders.calls == [("of", ("7", 5, "next"))]


async def test_names_and_payments_are_one_call_each() -> None:
    restaurants, payments = FakeRestaurants(), FakePayments()
    await shown(restaurants, payments)
    assert restaurants.calls == [("known", ["5", "100"])]
    assert payments.calls == [("status", ["1", "2"])]


@pytest.mark.parametrize(
    ("service", "method", "attribute"), [("restaurants", "known", "restaurantName"), ("payments", "status", "payment")]
)
async def test_a_failing_field_leaves_the_orders(service: str, method: str, attribute: str) -> None:
    result = await shown(failing(service, method))
    assert [order[attribute] for order in result.data["orders"]["items"]] == [None, None]
    assert set(result.outcomes) == {f"orders.items.{attribute}"}
    assert result.outcome(f"orders.items.{attribute}").service == service


@pytest.mark.parametrize(("service", "method"), [("restaurants", "known"), ("payments", "status")])
async def test_a_hung_field_costs_300_ms(service: str, method: str) -> None:
    clock = ManualClock()
    began = clock.now()
    result = await shown(slow(service, method, clock), clock=clock)
    assert not result.complete
    assert clock.now() - began == pytest.approx(0.305)


async def test_without_the_scope_payments_are_forbidden_and_not_asked() -> None:
    payments = FakePayments()
    result = await shown(payments, caller=Caller("7", scopes=frozenset({"orders:read"})))
    assert result.outcome("orders.items.payment").status == "forbidden"
    assert result.data["orders"]["items"][0]["payment"] is None
    assert payments.calls == []


async def test_without_orders_there_is_no_screen_after_600_ms() -> None:
    clock = ManualClock()
    began = clock.now()
    with pytest.raises(SectionFailed) as caught:
        await shown(slow("orders", "of", clock), clock=clock)
    assert caught.value.section == "orders"
    assert clock.now() - began == pytest.approx(0.605)


async def test_an_unknown_status_is_the_orders_services_failure() -> None:
    orders = FakeOrders()
    orders.status = "TELEPORTED"
    with pytest.raises(SectionFailed) as caught:
        await shown(orders)
    assert caught.value.outcome.as_meta() == {"status": "unavailable", "reason": "invalid", "service": "orders"}


@pytest.mark.parametrize("limit", ["0", "51"])
async def test_a_limit_out_of_bounds_calls_nobody(limit: str) -> None:
    orders = FakeOrders()
    with pytest.raises(BadInput):
        await shown(orders, limit=limit)
    assert orders.calls == []
