"""Where an order came from, wherever orders are listed: orders know the restaurant's id only."""

from bff import field
from clients.restaurants import Restaurants
from schemas.history import PastOrder
from schemas.orders import OrderLine

# An order without the name is still an order: a screen does not wait longer for it than for its slowest section.
TIMEOUT = 0.3


@field(OrderLine, name="restaurant_name", timeout=TIMEOUT)
async def name_on_line(orders: list[OrderLine], restaurants: Restaurants) -> list[str | None]:
    """Where it came from."""
    return await _names([str(order.restaurant_id) for order in orders], restaurants)


@field(PastOrder, name="restaurant_name", timeout=TIMEOUT)
async def name_on_past_order(orders: list[PastOrder], restaurants: Restaurants) -> list[str | None]:
    """Where it came from."""
    return await _names([str(order.restaurant_id) for order in orders], restaurants)


async def _names(ids: list[str], restaurants: Restaurants) -> list[str | None]:
    found = await restaurants.known.many(ids)
    return [found[restaurant_id].name if restaurant_id in found else None for restaurant_id in ids]
