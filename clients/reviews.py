"""Reviews and what they sum up to."""

from datetime import datetime

import msgspec

from bff import Client, batched


class Rating(msgspec.Struct):
    restaurant_id: str
    average: float
    count: int


class Review(msgspec.Struct):
    id: str
    user_id: str
    rating: int
    text: str
    created_at: datetime


class _Reviews(msgspec.Struct):
    items: list[Review]


class NewReview(msgspec.Struct):
    restaurant_id: str
    user_id: str
    rating: int
    text: str
    order_id: str


class Reviews(Client, service="reviews"):
    """What people say of restaurants."""

    @batched(max_size=100)  # the service's own limit
    async def rating(self, restaurant_ids: list[str]) -> dict[str, Rating]:
        found = await self.get("/ratings", list[Rating], restaurant=restaurant_ids)
        return {rating.restaurant_id: rating for rating in found}

    async def of(self, restaurant_id: str, limit: int) -> list[Review]:
        """The newest reviews of a restaurant."""
        return (await self.get("/reviews", _Reviews, restaurant=restaurant_id, limit=limit)).items

    async def write(self, review: NewReview, key: str) -> Review:
        """The same key again gives the same review; with another one it is BackendStatus 422. 409: not delivered yet."""
        return await self.post("/reviews", Review, review, idempotency_key=key)
