"""What comes back when an order is cancelled."""

from bff import ID, View
from schemas.money import Money
from schemas.orders import OrderStatus


class OrderCancelled(View):
    """An order that nobody cooks or brings; `refunded` is what was given back."""

    order_id: ID
    status: OrderStatus
    refunded: Money | None
