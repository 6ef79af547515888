"""The order tracking screen."""

from datetime import datetime

import strawberry

from schemas.money import Money
from schemas.orders import OrderStatus


@strawberry.type
class TrackedLine:
    """What is in the bag."""

    name: str
    quantity: int
    price: Money


@strawberry.type
class TrackedOrder:
    """The order being tracked."""

    id: strawberry.ID
    status: OrderStatus
    total: Money
    placed_at: datetime
    address: str


@strawberry.type
class WhereItIs:
    """How far the delivery is; the position is the courier's."""

    status: str
    eta_minutes: int
    lat: float | None
    lon: float | None


@strawberry.type
class CourierCard:
    """Who brings it."""

    name: str
    vehicle: str
    phone: str
    rating: float


@strawberry.type
class OrderTracking:
    """Where your order is, and who brings it."""

    order: TrackedOrder
    lines: list[TrackedLine]
    delivery: WhereItIs | None
    courier: CourierCard | None
