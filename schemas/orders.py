"""Orders as clients see them."""

from datetime import datetime
from enum import Enum

import strawberry

from schemas.money import Money


@strawberry.enum
class OrderStatus(Enum):
    """How far an order is."""

    PLACED = "PLACED"
    PREPARING = "PREPARING"
    ON_THE_WAY = "ON_THE_WAY"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


@strawberry.type
class OrderLine:
    """One past order in a short list."""

    id: strawberry.ID
    restaurant_id: strawberry.ID
    total: Money
    placed_at: datetime
    restaurant_name: str | None = None


@strawberry.type
class ActiveOrder:
    """The order that is on its way."""

    id: strawberry.ID
    status: OrderStatus
    total: Money
    eta_minutes: int | None = None
