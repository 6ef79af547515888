"""What partners are shown."""

from bff import View
from schemas.restaurant import MenuCategory, RestaurantHead
from schemas.restaurants import RestaurantCardPage


class PartnerRestaurants(View):
    """Where one can order."""

    results: RestaurantCardPage


class PartnerMenu(View):
    """A restaurant and what it cooks."""

    restaurant: RestaurantHead
    menu: list[MenuCategory]
