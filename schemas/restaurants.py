"""Restaurants as cards (mobile) and as tiles (web)."""

from enum import Enum

from bff import ID, View
from schemas.money import Money


class Cuisine(Enum):
    """What a kitchen cooks."""

    ITALIAN = "ITALIAN"
    INDIAN = "INDIAN"
    JAPANESE = "JAPANESE"
    TURKISH = "TURKISH"
    VIETNAMESE = "VIETNAMESE"
    MEXICAN = "MEXICAN"
    LEBANESE = "LEBANESE"
    GERMAN = "GERMAN"
    KOREAN = "KOREAN"
    ETHIOPIAN = "ETHIOPIAN"


class Rating(View):
    """What all reviews of a restaurant sum up to."""

    average: float
    count: int


class RestaurantCard(View):
    """A restaurant in a list on a small screen."""

    id: ID
    name: str
    cuisine: Cuisine
    minutes: str
    rating: Rating | None = None


class RestaurantTile(View):
    """A restaurant in a list on a large screen."""

    id: ID
    name: str
    cuisine: Cuisine
    area: str
    minutes: str
    delivery_fee: Money
    opens: str
    closes: str
    price_level: int
    picture_url: str
    rating: Rating | None = None


class RestaurantCardPage(View):
    """One page of a search; `next` is the cursor of the following one, null at the end."""

    items: list[RestaurantCard]
    next: str | None
