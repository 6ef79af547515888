"""Orders, as their service knows them."""

from datetime import datetime

import msgspec

from bff import BackendStatus, Client
from clients.money import Money, Wanted


class Order(msgspec.Struct):
    id: str
    user_id: str
    restaurant_id: str
    status: str
    placed_at: datetime
    total: Money
    line_count: int
    address: str
    payment_id: str | None = None
    reservation_id: str | None = None


class OrderPage(msgspec.Struct):
    items: list[Order]
    next: str | None = None


class Line(msgspec.Struct):
    name: str
    quantity: int
    price: Money


class _Lines(msgspec.Struct):
    items: list[Line]


class Quote(msgspec.Struct):
    subtotal: Money
    delivery_fee: Money
    total: Money


class _Basket(msgspec.Struct):
    restaurant_id: str
    lines: list[Wanted]


class NewOrder(msgspec.Struct):
    user_id: str
    restaurant_id: str
    lines: list[Wanted]
    address: str
    instructions: str
    payment_id: str
    reservation_id: str


class _Key(msgspec.Struct):
    key: str


class _GivenUp(msgspec.Struct):
    order_id: str | None = None


class _Costs(msgspec.Struct):
    costs: Money


def costs_otherwise(error: BackendStatus) -> bool:
    """Whether an order was refused because it costs something else by now, and not for something else."""
    try:
        return error.status == 409 and bool(msgspec.json.decode(error.body, type=_Costs).costs)
    except msgspec.DecodeError:
        return False


class Orders(Client, service="orders"):
    """What was ordered, and how far it is."""

    async def of(self, user_id: str, limit: int, cursor: str | None = None) -> OrderPage:
        """A user's orders, newest first."""
        return await self.get("/orders", OrderPage, user=user_id, limit=limit, cursor=cursor)

    async def active(self, user_id: str) -> list[Order]:
        return (await self.get("/orders/active", OrderPage, user=user_id)).items

    async def order(self, order_id: str) -> Order:
        return await self.get("/orders/{order_id}", Order, order_id=order_id)

    async def lines(self, order_id: str) -> list[Line]:
        return (await self.get("/orders/{order_id}/lines", _Lines, order_id=order_id)).items

    async def quote(self, restaurant_id: str, lines: list[Wanted]) -> Quote:
        """What it would cost. Missing: no such restaurant; BackendStatus 422: it cannot give that."""
        return await self.post("/orders/quote", Quote, _Basket(restaurant_id, lines))

    async def place(self, order: NewOrder, key: str) -> Order:
        """BackendStatus 409 when it costs something else by now than was paid: see `costs_otherwise`."""
        return await self.post("/orders", Order, order, idempotency_key=key)

    async def cancel(self, order_id: str) -> Order:
        """Again is the same. BackendStatus 409 when it is too late."""
        return await self.post("/orders/{order_id}/cancel", Order, None, idempotency_key=order_id, order_id=order_id)

    async def give_up(self, key: str) -> None:
        """Cancel whatever was placed under `key`; an order that is still on its way with it is not placed."""
        await self.post("/orders/give-up", _GivenUp, _Key(key), idempotency_key=key)
