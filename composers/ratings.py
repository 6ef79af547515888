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
    known = await reviews.rating.many(ids)
    return [
        Rating(average=found.average, count=found.count) if (found := known.get(restaurant_id)) else None
        for restaurant_id in ids
    ]
