"""The search screen."""

from bff import View
from schemas.restaurants import RestaurantCardPage


class SearchScreen(View):
    """What was found, best first."""

    results: RestaurantCardPage
