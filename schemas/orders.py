"""Orders as clients see them."""

from datetime import datetime
from enum import Enum

from bff import ID, View
from schemas.money import Money


class OrderStatus(Enum):
    """How far an order is."""

    PLACED = "PLACED"
    PREPARING = "PREPARING"
    ON_THE_WAY = "ON_THE_WAY"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class OrderLine(View):
    """One past order in a short list."""

    id: ID
    restaurant_id: ID
    total: Money
    placed_at: datetime
    restaurant_name: str | None = None


class ActiveOrder(View):
    """The order that is on its way."""

    id: ID
    status: OrderStatus
    total: Money
    eta_minutes: int | None = None
