"""W1's pass-through variant: each service's JSON is checked to be JSON and spliced in unread."""

from benchmarks.thali.clients.notifications import Notifications
from benchmarks.thali.clients.orders import Orders
from benchmarks.thali.clients.recommendations import Recommendations
from benchmarks.thali.clients.restaurants import Restaurants
from benchmarks.thali.clients.users import Users
from benchmarks.thali.composers.apps import bench
from benchmarks.thali.schemas.passed import Passed
from bff import Json, Screen, needs, section


@section()
async def user(users: Users) -> Json:
    return await users.raw()


@section()
async def orders(orders: Orders) -> Json:
    return await orders.raw()


@section()
async def restaurants(restaurants: Restaurants) -> Json:
    return await restaurants.raw()


@section()
async def recommendations(recommendations: Recommendations) -> Json:
    return await recommendations.raw()


@section()
async def notifications(notifications: Notifications) -> Json:
    return await notifications.raw()


screen = Screen(
    "/passed",
    Passed(
        user=needs(user),
        orders=needs(orders),
        restaurants=needs(restaurants),
        recommendations=needs(recommendations),
        notifications=needs(notifications),
    ),
    apps=(bench,),
)
