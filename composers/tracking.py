"""Order tracking: calls that wait for each other, order -> delivery -> courier."""

from bff import ID, Caller, Missing, Screen, needs, section
from clients.delivery import Delivery, Progress
from clients.orders import Order, Orders
from composers._shapes import minutes, money, one_of
from composers._viewer import known
from composers.apps import mobile, web
from schemas.orders import OrderStatus
from schemas.tracking import CourierCard, OrderTracking, TrackedLine, TrackedOrder, WhereItIs


@section(timeout=0.4)
async def own_order(orders: Orders, caller: Caller, order_id: str) -> Order:
    """The order, if it is the caller's: somebody else's is as missing as one that does not exist."""
    found = await orders.order(order_id)
    if found.user_id != known(caller):
        raise Missing("orders", "the order of another user")
    return found


@section()
async def order(found: Order = needs(own_order)) -> TrackedOrder:
    """What was ordered."""
    return TrackedOrder(
        id=ID(found.id),
        status=one_of(OrderStatus, found.status, "orders"),
        total=money(found.total),
        placed_at=found.placed_at,
        address=found.address,
    )


@section(timeout=0.3, fallback=list[TrackedLine])
async def lines(orders: Orders, found: Order = needs(own_order)) -> list[TrackedLine]:
    """What is in the bag."""
    return [
        TrackedLine(name=line.name, quantity=line.quantity, price=money(line.price)) for line in await orders.lines(found.id)
    ]


@section(timeout=0.3)
async def progress(delivery: Delivery, found: Order = needs(own_order)) -> Progress:
    return await delivery.track(found.id)


@section(fallback=None)
async def where(progress: Progress = needs(progress)) -> WhereItIs:
    """How far it is."""
    position = progress.position
    return WhereItIs(
        status=progress.status,
        eta_minutes=minutes(progress.eta_seconds),
        lat=position.lat if position else None,
        lon=position.lon if position else None,
    )


@section(timeout=0.3, fallback=None)
async def courier(delivery: Delivery, progress: Progress = needs(progress)) -> CourierCard:
    """Who brings it."""
    found = await delivery.courier(progress.courier_id)
    return CourierCard(name=found.name, vehicle=found.vehicle, phone=found.phone, rating=found.rating)


tracking = Screen(
    "/orders/{order_id}/tracking",
    OrderTracking(order=needs(order), lines=needs(lines), delivery=needs(where), courier=needs(courier)),
    apps=(mobile, web),
    name="tracking",
    budget=1.2,  # three calls one after another; each has 0.3 to 0.4 s
    scopes=["orders:read"],
    priority="high",  # somebody waits at the door
)
