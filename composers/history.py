"""Order history: all that you ever ordered, where, and whether it is paid."""

from typing import Annotated

from annotated_types import Ge, Le, MaxLen

from bff import ID, Caller, Screen, field, needs, section
from clients.orders import Orders
from clients.payments import Payments
from composers._shapes import money, one_of
from composers._viewer import known
from composers.apps import mobile, web
from schemas.history import OrderHistory, PastOrder, PastOrderPage
from schemas.orders import OrderStatus

Limit = Annotated[int, Ge(1), Le(50)]
Cursor = Annotated[str, MaxLen(100)]


@section(timeout=0.6)
async def past_orders(orders: Orders, caller: Caller, limit: Limit = 20, cursor: Cursor | None = None) -> PastOrderPage:
    """One page of orders, newest first."""
    page = await orders.of(known(caller), limit, cursor)
    return PastOrderPage(
        items=[
            PastOrder(
                id=ID(order.id),
                status=one_of(OrderStatus, order.status, "orders"),
                total=money(order.total),
                dishes=order.line_count,
                placed_at=order.placed_at,
                restaurant_id=ID(order.restaurant_id),
            )
            for order in page.items
        ],
        next=page.next,
    )


@field(PastOrder, timeout=0.3, scopes=["payments:read"])
async def payment(orders: list[PastOrder], payments: Payments) -> list[str | None]:
    """Whether it is paid."""
    found = await payments.status.many(str(order.id) for order in orders)
    return [found.get(str(order.id)) for order in orders]


history = Screen(
    "/orders",
    OrderHistory(orders=needs(past_orders)),
    apps=(mobile, web),
    name="orderHistory",
    scopes=["orders:read"],
    priority="low",  # what was eaten last month can be looked up later
)
