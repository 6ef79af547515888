"""The recommendations service: dishes for the caller."""

from benchmarks.thali.clients._wire import Wire
from bff import Client, Json


class RecommendationBrief(Wire):
    """W1b shows no more than this; the rest is skipped unread."""

    id: str
    title: str
    restaurant_name: str
    price: int
    currency: str
    image_url: str


class Recommendation(RecommendationBrief):
    restaurant_id: str
    score: float
    reason: str
    calories: int
    vegetarian: bool


class Recommendations(Client, service="recommendations"):
    async def dishes(self) -> list[Recommendation]:
        return await self.get("/recommendations", list[Recommendation])

    async def dishes_brief(self) -> list[RecommendationBrief]:
        return await self.get("/recommendations", list[RecommendationBrief])

    async def raw(self) -> Json:
        return await self.get("/recommendations", Json)
