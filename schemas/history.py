"""The order history screen."""

from datetime import datetime

import strawberry

from schemas.money import Money
from schemas.orders import OrderStatus


@strawberry.type
class PastOrder:
    """One order, with where it came from and whether it is paid."""

    id: strawberry.ID
    status: OrderStatus
    total: Money
    dishes: int
    placed_at: datetime
    restaurant_id: strawberry.ID
    restaurant_name: str | None = None
    payment: str | None = None


@strawberry.type
class PastOrderPage:
    """One page of orders, newest first; `next` is the cursor of the following one, null at the end."""

    items: list[PastOrder]
    next: str | None


@strawberry.type
class OrderHistory:
    """All that you ever ordered."""

    orders: PastOrderPage
