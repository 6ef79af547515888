"""From what the services say to what several screens show."""

import math
from collections.abc import Iterable
from enum import Enum
from typing import TypeVar

from bff import ID, BackendInvalid
from clients.money import Money as WireMoney
from clients.restaurants import Restaurant
from schemas.money import Money
from schemas.restaurants import Cuisine, RestaurantCard, RestaurantTile

E = TypeVar("E", bound=Enum)


def one_of(kind: type[E], said: str, service: str) -> E:
    """A service's word as an enum of ours. A word that it has invented is its failure, not our bug: a fallback may stand in."""
    try:
        return kind(said)
    except ValueError:
        raise BackendInvalid(service, f"{said!r} is no {kind.__name__}") from None


def money(found: WireMoney) -> Money:
    return Money(amount=found.amount, currency=found.currency)


def minutes(seconds: int) -> int:
    """Rounded up: nobody minds to be early."""
    return math.ceil(seconds / 60)


def delivery_minutes(found: Restaurant) -> str:
    return f"{found.delivery_minutes.min}-{found.delivery_minutes.max}"


def cuisine(found: Restaurant) -> Cuisine:
    return one_of(Cuisine, found.cuisine, "restaurants")


def cards(found: Iterable[Restaurant]) -> list[RestaurantCard]:
    """Restaurants on a small screen."""
    return [
        RestaurantCard(
            id=ID(restaurant.id),
            name=restaurant.name,
            cuisine=cuisine(restaurant),
            minutes=delivery_minutes(restaurant),
        )
        for restaurant in found
    ]


def tiles(found: Iterable[Restaurant]) -> list[RestaurantTile]:
    """Restaurants on a large screen."""
    return [
        RestaurantTile(
            id=ID(restaurant.id),
            name=restaurant.name,
            cuisine=cuisine(restaurant),
            area=restaurant.area,
            minutes=delivery_minutes(restaurant),
            delivery_fee=money(restaurant.delivery_fee),
            opens=restaurant.hours.opens,
            closes=restaurant.hours.closes,
            price_level=restaurant.price_level,
            picture_url=restaurant.picture_url,
        )
        for restaurant in found
    ]
