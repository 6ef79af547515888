"""Ratings of restaurants, wherever restaurants are listed: one call to reviews for all of a list."""

from bff import field
from clients.reviews import Reviews
from schemas.restaurants import Rating, RestaurantCard, RestaurantTile

# A card without its stars is still a card: a screen does not wait longer for them than for its slowest section.
TIMEOUT = 0.3


@field(RestaurantCard, name="rating", timeout=TIMEOUT)
async def card_rating(cards: list[RestaurantCard], reviews: Reviews) -> list[Rating | None]:
    """What people say of it."""
    return await _ratings([str(card.id) for card in cards], reviews)


@field(RestaurantTile, name="rating", timeout=TIMEOUT)
async def tile_rating(tiles: list[RestaurantTile], reviews: Reviews) -> list[Rating | None]:
    """What people say of it."""
    return await _ratings([str(tile.id) for tile in tiles], reviews)


async def _ratings(ids: list[str], reviews: Reviews) -> list[Rating | None]:
    found = await reviews.rating.many(ids)
    ratings = {key: Rating(average=rating.average, count=rating.count) for key, rating in found.items()}
    return [ratings.get(restaurant_id) for restaurant_id in ids]  # None: nobody has said anything yet
