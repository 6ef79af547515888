"""Cancel order: cancelled, paid back, its dishes put back. Each is the same when asked again, so it needs no key."""

from bff import ID, BackendStatus, Caller, Missing, Refused, Steps, action
from clients.inventory import Inventory
from clients.orders import Order, Orders
from clients.payments import Payments
from composers._shapes import money, one_of
from composers._viewer import known
from composers.apps import mobile, web
from schemas.cancel_order import OrderCancelled
from schemas.orders import OrderStatus


async def cancelled(orders: Orders, caller: Caller, order_id: str) -> Order:
    """409 when the kitchen or the courier is further than that; somebody else's order is missing."""
    found = await orders.order(order_id)
    if found.user_id != known(caller):
        raise Missing("orders", "the order of another user")
    try:
        return await orders.cancel(order_id)
    except BackendStatus as error:
        if error.status != 409:
            raise
        raise Refused("it is too late to cancel this order") from None


async def for_good(_: object) -> None:
    """The undoing of what cannot be undone: it is told as left as it is. Cancelling again goes on from there."""
    raise BackendStatus("orders", 409, "what is cancelled stays cancelled")


@action("/orders/{order_id}/cancel", apps=(mobile, web), scopes=["orders:write"], priority="critical")
async def cancel_order(
    order_id: ID, *, caller: Caller, steps: Steps, orders: Orders, payments: Payments, inventory: Inventory
) -> OrderCancelled:
    """Cancel an order that is not on its way yet, and get the money back. Asking again does no harm, and finishes it."""
    order = await steps.do("order", cancelled(orders, caller, order_id), undo=for_good)
    if order.payment_id is not None:
        await steps.do("payment", payments.refund(order.payment_id), undo=for_good)
    if order.reservation_id is not None:
        await steps.do("stock", inventory.release(order.reservation_id), undo=for_good)
    return OrderCancelled(
        order_id=ID(order.id),
        status=one_of(OrderStatus, order.status, "orders"),
        refunded=None if order.payment_id is None else money(order.total),
    )
