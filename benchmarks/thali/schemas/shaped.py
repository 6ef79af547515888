"""W1b: about half of the fields, some under other names."""

import strawberry


@strawberry.type
class Viewer:
    name: str
    tier: str
    points: int
    avatar: str
    city: str


@strawberry.type
class LastOrder:
    id: str
    restaurant: str
    status: str
    at: str
    total: int
    currency: str


@strawberry.type
class Nearby:
    id: str
    name: str
    cuisine: str
    rating: float
    minutes: int
    fee: int
    open: bool
    image: str


@strawberry.type
class Pick:
    id: str
    title: str
    place: str
    price: int
    currency: str
    image: str


@strawberry.type
class Notice:
    id: str
    title: str
    at: str
    read: bool


@strawberry.type
class Shaped:
    viewer: Viewer
    last_orders: list[LastOrder]
    nearby: list[Nearby]
    picks: list[Pick]
    inbox: list[Notice]
