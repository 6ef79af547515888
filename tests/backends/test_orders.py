"""Orders: read, quoted, placed once, cancelled."""

from typing import Any

import pytest

from tests.backends.conftest import Asking


@pytest.fixture
async def basket(ask: Asking) -> dict[str, Any]:  # JSON that a test looks into
    menu = (await ask("restaurants", "/restaurants/1/menu")).json()
    main, side = menu["categories"][1]["dishes"][0], menu["categories"][2]["dishes"][0]
    lines = [{"dish_id": main["id"], "quantity": 2}, {"dish_id": side["id"], "quantity": 1}]
    return {"restaurant_id": "1", "lines": lines, "user_id": "7", "address": "Oranienstraße 1, 10999 Kreuzberg"}


async def test_adas_orders_newest_first(ask: Asking) -> None:
    orders = (await ask("orders", "/orders?user=7")).json()
    assert (len(orders["items"]), orders["next"]) == (14, None)
    times = [order["placed_at"] for order in orders["items"]]
    assert times == sorted(times, reverse=True)
    assert set(orders["items"][0]) == {
        "id", "user_id", "restaurant_id", "status", "placed_at", "subtotal", "delivery_fee", "total", "line_count",
        "address", "instructions", "payment_id", "reservation_id",
    }  # fmt: skip


async def test_orders_by_status(ask: Asking) -> None:
    [active] = (await ask("orders", "/orders/active?user=7")).json()["items"]
    assert active["status"] == "ON_THE_WAY"
    assert (await ask("orders", f"/orders/{active['id']}")).json() == active
    cancelled = (await ask("orders", "/orders?user=7&status=CANCELLED")).json()["items"]
    assert [order["status"] for order in cancelled] == ["CANCELLED"]
    assert (await ask("orders", "/orders?user=7&status=LOST")).status_code == 422


async def test_the_lines_of_an_order_sum_up_to_it(ask: Asking) -> None:
    [order] = (await ask("orders", "/orders/active?user=7")).json()["items"]
    lines = (await ask("orders", f"/orders/{order['id']}/lines")).json()["items"]
    assert len(lines) == order["line_count"]
    assert sum(line["quantity"] * line["price"]["amount"] for line in lines) == order["subtotal"]["amount"]
    assert order["total"]["amount"] == order["subtotal"]["amount"] + order["delivery_fee"]["amount"]


async def test_an_order_is_placed_at_the_price_it_was_quoted(ask: Asking, basket: dict[str, Any]) -> None:
    quote = (await ask("orders", "/orders/quote", "POST", json=basket)).json()
    answer = await ask("orders", "/orders", "POST", json=basket | {"instructions": "Ring twice"})
    order = answer.json()
    assert (answer.status_code, order["status"], order["total"]) == (201, "PLACED", quote["total"])
    assert (await ask("orders", "/orders?user=7&limit=1")).json()["items"] == [order]
    assert len((await ask("orders", f"/orders/{order['id']}/lines")).json()["items"]) == 2


async def test_the_same_idempotency_key_gives_the_same_order(ask: Asking, basket: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await ask("orders", "/orders", "POST", json=basket, headers=headers)
    again = await ask("orders", "/orders", "POST", json=basket, headers=headers)
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 200, "true")
    assert first.json() == again.json()
    other = await ask("orders", "/orders", "POST", json=basket | {"address": "elsewhere"}, headers=headers)
    assert other.status_code == 422
    assert (await ask("orders", "/orders", "POST", json=basket)).json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": []},
        {"lines": [{"dish_id": "8000", "quantity": 1}]},
        {"lines": [{"dish_id": "1", "quantity": 0}]},
        {"user_id": "x"},
        {"payment_id": "none"},
        {"payment_id": "1"},  # it paid another order
        {"reservation_id": "0"},
        {"address": None},
    ],
)
async def test_an_order_that_cannot_be_is_422(ask: Asking, basket: dict[str, Any], wrong: dict[str, Any]) -> None:
    assert (await ask("orders", "/orders", "POST", json=basket | wrong)).status_code == 422


async def test_a_restaurant_that_is_none_is_missing(ask: Asking, basket: dict[str, Any]) -> None:
    for path in ("/orders", "/orders/quote"):
        assert (await ask("orders", path, "POST", json=basket | {"restaurant_id": "501"})).status_code == 404


async def test_an_order_can_be_cancelled_until_it_is_on_its_way(ask: Asking, basket: dict[str, Any]) -> None:
    order = (await ask("orders", "/orders", "POST", json=basket)).json()
    assert (await ask("orders", f"/orders/{order['id']}/cancel", "POST")).json()["status"] == "CANCELLED"
    assert (await ask("orders", f"/orders/{order['id']}/cancel", "POST")).json()["status"] == "CANCELLED", "once is as twice"
    [active] = (await ask("orders", "/orders/active?user=7")).json()["items"]
    assert (await ask("orders", f"/orders/{active['id']}/cancel", "POST")).status_code == 409


async def test_giving_up_a_key_cancels_the_order_that_was_placed_by_it(ask: Asking, basket: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "k1"}
    order = (await ask("orders", "/orders", "POST", json=basket, headers=headers)).json()
    for _ in range(2):
        assert (await ask("orders", "/orders/give-up", "POST", json={"key": "k1"})).json() == {"order_id": order["id"]}
    assert (await ask("orders", f"/orders/{order['id']}")).json()["status"] == "CANCELLED"


async def test_an_order_that_comes_after_its_key_was_given_up_is_not_placed(ask: Asking, basket: dict[str, Any]) -> None:
    before = (await ask("orders", "/orders?user=7&limit=1")).json()["items"]
    assert (await ask("orders", "/orders/give-up", "POST", json={"key": "k1"})).json() == {"order_id": None}
    late = await ask("orders", "/orders", "POST", json=basket, headers={"Idempotency-Key": "k1"})
    assert late.status_code == 409
    assert (await ask("orders", "/orders?user=7&limit=1")).json()["items"] == before
