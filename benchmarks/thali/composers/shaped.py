"""W1b: the same five services, half of their fields, some renamed."""

from benchmarks.thali.clients.notifications import Notifications
from benchmarks.thali.clients.orders import Orders
from benchmarks.thali.clients.recommendations import Recommendations
from benchmarks.thali.clients.restaurants import Restaurants
from benchmarks.thali.clients.users import Users
from benchmarks.thali.composers.apps import bench
from benchmarks.thali.schemas.shaped import LastOrder, Nearby, Notice, Pick, Shaped, Viewer
from bff import Screen, needs, section


@section()
async def viewer(users: Users) -> Viewer:
    user = await users.brief()
    return Viewer(name=user.name, tier=user.tier, points=user.points, avatar=user.avatar_url, city=user.address.city)


@section()
async def last_orders(orders: Orders) -> list[LastOrder]:
    return [
        LastOrder(
            id=order.id,
            restaurant=order.restaurant_name,
            status=order.status,
            at=order.placed_at,
            total=order.total,
            currency=order.currency,
        )
        for order in await orders.last_brief()
    ]


@section()
async def nearby(restaurants: Restaurants) -> list[Nearby]:
    return [
        Nearby(
            id=place.id,
            name=place.name,
            cuisine=place.cuisine,
            rating=place.rating,
            minutes=place.delivery_minutes,
            fee=place.delivery_fee,
            open=place.open,
            image=place.image_url,
        )
        for place in await restaurants.nearby_brief()
    ]


@section()
async def picks(recommendations: Recommendations) -> list[Pick]:
    return [
        Pick(
            id=dish.id,
            title=dish.title,
            place=dish.restaurant_name,
            price=dish.price,
            currency=dish.currency,
            image=dish.image_url,
        )
        for dish in await recommendations.dishes_brief()
    ]


@section()
async def inbox(notifications: Notifications) -> list[Notice]:
    return [
        Notice(id=note.id, title=note.title, at=note.sent_at, read=note.read) for note in await notifications.latest_brief()
    ]


screen = Screen(
    "/shaped",
    Shaped(
        viewer=needs(viewer),
        last_orders=needs(last_orders),
        nearby=needs(nearby),
        picks=needs(picks),
        inbox=needs(inbox),
    ),
    apps=(bench,),
)
