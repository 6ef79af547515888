"""The orders client, against a scripted backend."""

from typing import Any

import pytest

from bff import BackendInvalid
from bff.testing import StubService, client_of
from clients.money import Money
from clients.orders import Line, Orders
from tests.clients.asking import asked

ORDER: dict[str, Any] = {
    "id": "1",
    "user_id": "7",
    "restaurant_id": "5",
    "status": "ON_THE_WAY",
    "placed_at": "2026-01-02T12:00:00Z",
    "total": {"amount": 900, "currency": "EUR"},
    "subtotal": {"amount": 701, "currency": "EUR"},  # nobody here reads it
    "line_count": 1,
    "address": "Adalbertstr. 1",
}


async def test_an_order_and_what_is_in_it() -> None:
    line = {"dish_id": "50", "name": "Dal", "quantity": 2, "price": {"amount": 450, "currency": "EUR"}}
    answers = {"/orders/1": ORDER, "/orders/1/lines": {"items": [line], "next": None}}
    async with StubService(answers) as stub, client_of(Orders, stub) as orders:
        found = await orders.order("1")
        assert (found.user_id, found.status, found.total) == ("7", "ON_THE_WAY", Money(900, "EUR"))
        assert await orders.lines("1") == [Line("Dal", 2, Money(450, "EUR"))]


async def test_a_users_orders_page_by_page_and_those_on_their_way() -> None:
    answers = {"/orders": {"items": [ORDER], "next": "c2"}, "/orders/active": {"items": [ORDER], "next": None}}
    async with StubService(answers) as stub, client_of(Orders, stub) as orders:
        assert (await orders.of("7", 20)).next == "c2"
        await orders.of("7", 20, "c2")
        assert [order.id for order in await orders.active("7")] == ["1"]
        assert asked(stub) == [
            ("/orders", {"user": ["7"], "limit": ["20"]}),
            ("/orders", {"user": ["7"], "limit": ["20"], "cursor": ["c2"]}),
            ("/orders/active", {"user": ["7"]}),
        ]


async def test_a_wrong_shape_names_the_field() -> None:
    answers = {"/orders/1": ORDER | {"line_count": "one"}, "/orders": {"orders": []}}
    async with StubService(answers) as stub, client_of(Orders, stub) as orders:
        with pytest.raises(BackendInvalid, match="line_count"):
            await orders.order("1")
        with pytest.raises(BackendInvalid, match="items"):
            await orders.of("7", 20)
