"""The restaurant screen."""

from datetime import datetime

from bff import ID, View
from schemas.money import Money
from schemas.people import Author
from schemas.restaurants import Cuisine, Rating


class RestaurantHead(View):
    """The restaurant itself."""

    id: ID
    name: str
    cuisine: Cuisine
    area: str
    minutes: str
    delivery_fee: Money
    opens: str
    closes: str
    picture_url: str


class DishCard(View):
    """A dish on the menu. `left` is how many can still be ordered."""

    id: ID
    name: str
    description: str
    price: Money
    vegetarian: bool
    left: int | None = None


class MenuCategory(View):
    """A part of the menu."""

    title: str
    dishes: list[DishCard]


class ReviewCard(View):
    """What somebody said."""

    id: ID
    author_id: ID
    rating: int
    text: str
    created_at: datetime
    author: Author | None = None


class RestaurantScreen(View):
    """A restaurant: what it is, what it cooks, what people say."""

    restaurant: RestaurantHead
    rating: Rating | None
    menu: list[MenuCategory]
    reviews: list[ReviewCard]
