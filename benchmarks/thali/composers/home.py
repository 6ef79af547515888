"""W1, W2 and W5: five services joined, every field typed.

No section here has a fallback: whatever goes wrong must show as a bad answer, not as a cheap one.
"""

from benchmarks.thali.clients.notifications import Notifications
from benchmarks.thali.clients.orders import Orders
from benchmarks.thali.clients.recommendations import Recommendations
from benchmarks.thali.clients.restaurants import Restaurants
from benchmarks.thali.clients.users import Users
from benchmarks.thali.composers.apps import bench
from benchmarks.thali.schemas.home import Address, Home, Notification, Order, Recommendation, Restaurant, User
from bff import Screen, needs, section


@section()
async def user(users: Users) -> User:
    found = await users.profile()
    at = found.address
    return User(
        id=found.id,
        name=found.name,
        email=found.email,
        phone=found.phone,
        tier=found.tier,
        points=found.points,
        member_since=found.member_since,
        locale=found.locale,
        avatar_url=found.avatar_url,
        marketing=found.marketing,
        address=Address(street=at.street, city=at.city, postcode=at.postcode, latitude=at.latitude, longitude=at.longitude),
        about=found.about,
    )


@section()
async def orders(orders: Orders) -> list[Order]:
    return [
        Order(
            id=order.id,
            restaurant_id=order.restaurant_id,
            restaurant_name=order.restaurant_name,
            status=order.status,
            placed_at=order.placed_at,
            delivered_at=order.delivered_at,
            item_count=order.item_count,
            total=order.total,
            currency=order.currency,
            note=order.note,
        )
        for order in await orders.last()
    ]


@section()
async def restaurants(restaurants: Restaurants) -> list[Restaurant]:
    return [
        Restaurant(
            id=place.id,
            name=place.name,
            cuisine=place.cuisine,
            rating=place.rating,
            review_count=place.review_count,
            delivery_minutes=place.delivery_minutes,
            delivery_fee=place.delivery_fee,
            minimum_order=place.minimum_order,
            currency=place.currency,
            open=place.open,
            image_url=place.image_url,
            street=place.street,
            distance=place.distance,
            tags=place.tags,
            description=place.description,
        )
        for place in await restaurants.nearby()
    ]


@section()
async def recommendations(recommendations: Recommendations) -> list[Recommendation]:
    return [
        Recommendation(
            id=dish.id,
            title=dish.title,
            restaurant_id=dish.restaurant_id,
            restaurant_name=dish.restaurant_name,
            price=dish.price,
            currency=dish.currency,
            score=dish.score,
            reason=dish.reason,
            image_url=dish.image_url,
            calories=dish.calories,
            vegetarian=dish.vegetarian,
        )
        for dish in await recommendations.dishes()
    ]


@section()
async def notifications(notifications: Notifications) -> list[Notification]:
    return [
        Notification(id=note.id, kind=note.kind, title=note.title, body=note.body, sent_at=note.sent_at, read=note.read)
        for note in await notifications.latest()
    ]


screen = Screen(
    "/home",
    Home(
        user=needs(user),
        orders=needs(orders),
        restaurants=needs(restaurants),
        recommendations=needs(recommendations),
        notifications=needs(notifications),
    ),
    apps=(bench,),
)
