"""The search screen."""

import strawberry

from schemas.restaurants import RestaurantCardPage


@strawberry.type
class SearchScreen:
    """What was found, best first."""

    results: RestaurantCardPage
