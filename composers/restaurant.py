"""A restaurant: what it is, what it cooks and how much of it is left, what people say and who they are."""

from typing import Annotated

from annotated_types import Ge, Le

from bff import ID, Screen, field, needs, section
from clients.inventory import Inventory
from clients.restaurants import Restaurants
from clients.reviews import Reviews
from clients.users import Users
from composers._shapes import cuisine, delivery_minutes, money
from composers.apps import mobile, web
from schemas.people import Author
from schemas.restaurant import DishCard, MenuCategory, RestaurantHead, RestaurantScreen, ReviewCard
from schemas.restaurants import Rating

Limit = Annotated[int, Ge(1), Le(100)]


@section(timeout=0.4)
async def head(restaurants: Restaurants, restaurant_id: str) -> RestaurantHead:
    """The restaurant itself; without it there is no screen."""
    found = await restaurants.restaurant(restaurant_id)
    return RestaurantHead(
        id=ID(found.id),
        name=found.name,
        cuisine=cuisine(found),
        area=found.area,
        minutes=delivery_minutes(found),
        delivery_fee=money(found.delivery_fee),
        opens=found.hours.opens,
        closes=found.hours.closes,
        picture_url=found.picture_url,
    )


@section(timeout=0.3, fallback=None)
async def rating(reviews: Reviews, restaurant_id: str) -> Rating:
    """What all reviews sum up to."""
    found = await reviews.rating(restaurant_id)
    return Rating(average=found.average, count=found.count)


@section(timeout=0.4, fallback=list[MenuCategory])
async def menu(restaurants: Restaurants, restaurant_id: str) -> list[MenuCategory]:
    """What it cooks."""
    return [
        MenuCategory(
            title=category.title,
            dishes=[
                DishCard(
                    id=ID(dish.id),
                    name=dish.name,
                    description=dish.description,
                    price=money(dish.price),
                    vegetarian=dish.is_vegetarian,
                )
                for dish in category.dishes
            ],
        )
        for category in await restaurants.menu(restaurant_id)
    ]


@section(timeout=0.4, fallback=list[ReviewCard])
async def newest_reviews(reviews: Reviews, restaurant_id: str, reviews_limit: Limit = 10) -> list[ReviewCard]:
    """The newest reviews."""
    return [
        ReviewCard(
            id=ID(review.id),
            author_id=ID(review.user_id),
            rating=review.rating,
            text=review.text,
            created_at=review.created_at,
        )
        for review in await reviews.of(restaurant_id, reviews_limit)
    ]


@field(DishCard, timeout=0.3)
async def left(dishes: list[DishCard], inventory: Inventory) -> list[int | None]:
    """How many of each dish can still be ordered."""
    found = await inventory.available.many(str(dish.id) for dish in dishes)
    return [found.get(str(dish.id)) for dish in dishes]


@field(ReviewCard, timeout=0.3)
async def author(reviews: list[ReviewCard], users: Users) -> list[Author | None]:
    """Who wrote it."""
    found = await users.user.many(str(review.author_id) for review in reviews)  # each is asked for once
    authors = {key: Author(id=ID(key), name=user.name.partition(" ")[0]) for key, user in found.items()}
    return [authors.get(str(review.author_id)) for review in reviews]


restaurant = Screen(
    "/restaurants/{restaurant_id}",
    RestaurantScreen(restaurant=needs(head), rating=needs(rating), menu=needs(menu), reviews=needs(newest_reviews)),
    apps=(mobile, web),
    name="restaurant",
    guests=True,
)
