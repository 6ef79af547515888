"""W1b in pydantic: what each backend must send, and the screen made of it. Both FastAPI peers use these.

Only the fields that the screen shows are declared; pydantic ignores the rest, as an idiomatic FastAPI service would.
"""

from pydantic import BaseModel, TypeAdapter


class Address(BaseModel):
    city: str


class User(BaseModel):
    name: str
    tier: str
    points: int
    avatarUrl: str  # noqa: N815  the wire's own names, to keep the peer free of an alias look-up a field
    address: Address


class Order(BaseModel):
    id: str
    restaurantName: str  # noqa: N815
    status: str
    placedAt: str  # noqa: N815
    total: int
    currency: str


class Restaurant(BaseModel):
    id: str
    name: str
    cuisine: str
    rating: float
    deliveryMinutes: int  # noqa: N815
    deliveryFee: int  # noqa: N815
    open: bool
    imageUrl: str  # noqa: N815


class Recommendation(BaseModel):
    id: str
    title: str
    restaurantName: str  # noqa: N815
    price: int
    currency: str
    imageUrl: str  # noqa: N815


class Notification(BaseModel):
    id: str
    title: str
    sentAt: str  # noqa: N815
    read: bool


class Viewer(BaseModel):
    name: str
    tier: str
    points: int
    avatar: str
    city: str


class LastOrder(BaseModel):
    id: str
    restaurant: str
    status: str
    at: str
    total: int
    currency: str


class Nearby(BaseModel):
    id: str
    name: str
    cuisine: str
    rating: float
    minutes: int
    fee: int
    open: bool
    image: str


class Pick(BaseModel):
    id: str
    title: str
    place: str
    price: int
    currency: str
    image: str


class Notice(BaseModel):
    id: str
    title: str
    at: str
    read: bool


class Shaped(BaseModel):
    viewer: Viewer
    lastOrders: list[LastOrder]  # noqa: N815
    nearby: list[Nearby]
    picks: list[Pick]
    inbox: list[Notice]


_orders = TypeAdapter(list[Order])
_restaurants = TypeAdapter(list[Restaurant])
_recommendations = TypeAdapter(list[Recommendation])
_notifications = TypeAdapter(list[Notification])


def shape(user: bytes, orders: bytes, restaurants: bytes, recommendations: bytes, notifications: bytes) -> Shaped:
    """Validate the five answers and make the screen."""
    person = User.model_validate_json(user)
    return Shaped(
        viewer=Viewer(
            name=person.name, tier=person.tier, points=person.points, avatar=person.avatarUrl, city=person.address.city
        ),
        lastOrders=[
            LastOrder(
                id=o.id, restaurant=o.restaurantName, status=o.status, at=o.placedAt, total=o.total, currency=o.currency
            )
            for o in _orders.validate_json(orders)
        ],
        nearby=[
            Nearby(
                id=r.id, name=r.name, cuisine=r.cuisine, rating=r.rating, minutes=r.deliveryMinutes, fee=r.deliveryFee,
                open=r.open, image=r.imageUrl,
            )
            for r in _restaurants.validate_json(restaurants)
        ],
        picks=[
            Pick(id=d.id, title=d.title, place=d.restaurantName, price=d.price, currency=d.currency, image=d.imageUrl)
            for d in _recommendations.validate_json(recommendations)
        ],
        inbox=[
            Notice(id=n.id, title=n.title, at=n.sentAt, read=n.read)
            for n in _notifications.validate_json(notifications)
        ],
    )  # fmt: skip
