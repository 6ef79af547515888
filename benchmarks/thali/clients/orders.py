"""The orders service: the caller's last orders."""

from benchmarks.thali.clients._wire import Wire
from bff import Client, Json


class OrderBrief(Wire):
    """W1b shows no more than this; the rest is skipped unread."""

    id: str
    restaurant_name: str
    status: str
    placed_at: str
    total: int
    currency: str


class Order(OrderBrief):
    restaurant_id: str
    delivered_at: str
    item_count: int
    note: str


class Orders(Client, service="orders"):
    async def last(self) -> list[Order]:
        return await self.get("/orders", list[Order])

    async def last_brief(self) -> list[OrderBrief]:
        return await self.get("/orders", list[OrderBrief])

    async def raw(self) -> Json:
        return await self.get("/orders", Json)
