"""From what the services say to what several screens show."""

from collections.abc import Iterable

import strawberry

from clients.money import Money as WireMoney
from clients.restaurants import Restaurant
from schemas.money import Money
from schemas.restaurants import Cuisine, RestaurantCard, RestaurantTile


def money(found: WireMoney) -> Money:
    return Money(amount=found.amount, currency=found.currency)


def minutes(found: Restaurant) -> str:
    return f"{found.delivery_minutes.min}-{found.delivery_minutes.max}"


def card(found: Restaurant) -> RestaurantCard:
    return RestaurantCard(id=strawberry.ID(found.id), name=found.name, cuisine=Cuisine(found.cuisine), minutes=minutes(found))


def cards(found: Iterable[Restaurant], limit: int) -> list[RestaurantCard]:
    """At most `limit` cards, in the order of the service."""
    return [card(restaurant) for restaurant in found][:limit]


def tile(found: Restaurant) -> RestaurantTile:
    return RestaurantTile(
        id=strawberry.ID(found.id),
        name=found.name,
        cuisine=Cuisine(found.cuisine),
        area=found.area,
        minutes=minutes(found),
        delivery_fee=money(found.delivery_fee),
        opens=found.hours.opens,
        closes=found.hours.closes,
        price_level=found.price_level,
        picture_url=found.picture_url,
    )
