"""W1b: about half of the fields, some under other names."""

from bff import View


class Viewer(View):
    name: str
    tier: str
    points: int
    avatar: str
    city: str


class LastOrder(View):
    id: str
    restaurant: str
    status: str
    at: str
    total: int
    currency: str


class Nearby(View):
    id: str
    name: str
    cuisine: str
    rating: float
    minutes: int
    fee: int
    open: bool
    image: str


class Pick(View):
    id: str
    title: str
    place: str
    price: int
    currency: str
    image: str


class Notice(View):
    id: str
    title: str
    at: str
    read: bool


class Shaped(View):
    viewer: Viewer
    last_orders: list[LastOrder]
    nearby: list[Nearby]
    picks: list[Pick]
    inbox: list[Notice]
