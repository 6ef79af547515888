"""Orders, as their service knows them."""

from datetime import datetime

import msgspec

from bff import Client
from clients.money import Money


class Order(msgspec.Struct):
    id: str
    user_id: str
    restaurant_id: str
    status: str
    placed_at: datetime
    total: Money
    line_count: int
    address: str


class OrderPage(msgspec.Struct):
    items: list[Order]
    next: str | None = None


class Line(msgspec.Struct):
    name: str
    quantity: int
    price: Money


class _Lines(msgspec.Struct):
    items: list[Line]


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
