"""The restaurants service: those nearby."""

from benchmarks.thali.clients._wire import Wire
from bff import Client, Json


class RestaurantBrief(Wire):
    """W1b shows no more than this; the rest is skipped unread."""

    id: str
    name: str
    cuisine: str
    rating: float
    delivery_minutes: int
    delivery_fee: int
    open: bool
    image_url: str


class Restaurant(RestaurantBrief):
    review_count: int
    minimum_order: int
    currency: str
    street: str
    distance: float
    tags: list[str]
    description: str


class Restaurants(Client, service="restaurants"):
    async def nearby(self) -> list[Restaurant]:
        return await self.get("/restaurants", list[Restaurant])

    async def nearby_brief(self) -> list[RestaurantBrief]:
        return await self.get("/restaurants", list[RestaurantBrief])

    async def raw(self) -> Json:
        return await self.get("/restaurants", Json)
