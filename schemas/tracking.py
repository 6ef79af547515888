"""The order tracking screen."""

from datetime import datetime

from bff import ID, View
from schemas.money import Money
from schemas.orders import OrderStatus


class TrackedLine(View):
    """What is in the bag."""

    name: str
    quantity: int
    price: Money


class TrackedOrder(View):
    """The order being tracked."""

    id: ID
    status: OrderStatus
    total: Money
    placed_at: datetime
    address: str


class WhereItIs(View):
    """How far the delivery is; the position is the courier's."""

    status: str
    eta_minutes: int
    lat: float | None
    lon: float | None


class CourierCard(View):
    """Who brings it."""

    name: str
    vehicle: str
    phone: str
    rating: float


class OrderTracking(View):
    """Where your order is, and who brings it."""

    order: TrackedOrder
    lines: list[TrackedLine]
    delivery: WhereItIs | None
    courier: CourierCard | None
