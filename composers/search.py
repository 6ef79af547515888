"""Search: restaurants by words and kitchens, page by page."""

from typing import Annotated

from annotated_types import Ge, Le, MaxLen

from bff import Screen, needs, section
from clients.restaurants import Restaurants
from composers._shapes import cards
from composers.apps import mobile, web
from schemas.restaurants import Cuisine, RestaurantCardPage
from schemas.search import SearchScreen

Words = Annotated[str, MaxLen(100)]
Kitchens = Annotated[list[Cuisine], MaxLen(5)]
Limit = Annotated[int, Ge(1), Le(50)]
Cursor = Annotated[str, MaxLen(100)]


@section(timeout=0.6)
async def results(
    restaurants: Restaurants, q: Words = "", cuisines: Kitchens = [], limit: Limit = 20, cursor: Cursor | None = None
) -> RestaurantCardPage:
    """What was found, best first."""
    found = await restaurants.search(q, [cuisine.value for cuisine in cuisines], limit, cursor)
    return RestaurantCardPage(items=cards(found.items), next=found.next)


search = Screen("/search", SearchScreen(results=needs(results)), apps=(mobile, web), guests=True)
