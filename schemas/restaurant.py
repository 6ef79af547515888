"""The restaurant screen."""

from datetime import datetime

import strawberry

from schemas.money import Money
from schemas.people import Author
from schemas.restaurants import Cuisine, Rating


@strawberry.type
class RestaurantHead:
    """The restaurant itself."""

    id: strawberry.ID
    name: str
    cuisine: Cuisine
    area: str
    minutes: str
    delivery_fee: Money
    opens: str
    closes: str
    picture_url: str


@strawberry.type
class DishCard:
    """A dish on the menu. `left` is how many can still be ordered."""

    id: strawberry.ID
    name: str
    description: str
    price: Money
    vegetarian: bool
    left: int | None = None


@strawberry.type
class MenuCategory:
    """A part of the menu."""

    title: str
    dishes: list[DishCard]


@strawberry.type
class ReviewCard:
    """What somebody said."""

    id: strawberry.ID
    author_id: strawberry.ID
    rating: int
    text: str
    created_at: datetime
    author: Author | None = None


@strawberry.type
class RestaurantScreen:
    """A restaurant: what it is, what it cooks, what people say."""

    restaurant: RestaurantHead
    rating: Rating | None
    menu: list[MenuCategory]
    reviews: list[ReviewCard]
