"""The order history screen."""

from datetime import datetime

from bff import ID, View
from schemas.money import Money
from schemas.orders import OrderStatus


class PastOrder(View):
    """One order, with where it came from and whether it is paid."""

    id: ID
    status: OrderStatus
    total: Money
    dishes: int
    placed_at: datetime
    restaurant_id: ID
    restaurant_name: str | None = None
    payment: str | None = None


class PastOrderPage(View):
    """One page of orders, newest first; `next` is the cursor of the following one, null at the end."""

    items: list[PastOrder]
    next: str | None


class OrderHistory(View):
    """All that you ever ordered."""

    orders: PastOrderPage
