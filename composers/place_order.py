"""Place order: looked up, priced, reserved, paid, ordered, given to a courier; what was done is undone if a step fails.

docs/actions.md says for every step what is left when its service fails.
"""

from asyncio import TaskGroup
from typing import Annotated

from annotated_types import Len, MaxLen, MinLen

from bff import ID, BackendStatus, Caller, Missing, Once, Refused, Steps, action
from clients.delivery import Assigned, Assignment, Delivery, Location
from clients.geocoder import Geocoder, Place
from clients.inventory import Inventory, short_of
from clients.money import Money, Wanted
from clients.orders import NewOrder, Order, Orders, costs_otherwise
from clients.payments import Payments
from clients.users import Users
from composers._shapes import money, one_of
from composers._viewer import known
from composers.apps import mobile, web
from schemas.place_order import DeliveryStatus, OrderItem, OrderPlaced

Items = Annotated[list[OrderItem], Len(1, 30)]
Address = Annotated[str, MinLen(1), MaxLen(200)]
Instructions = Annotated[str, MaxLen(500)]


async def located(geocoder: Geocoder, address: str) -> Place:
    try:
        return await geocoder.find(address)
    except BackendStatus as error:
        if error.status not in (404, 422):
            raise
        raise Refused("is no address that we find", name="address") from None


async def own_method(payments: Payments, user_id: str, method_id: str) -> str:
    if method_id not in (method.id for method in await payments.methods(user_id)):
        raise Refused("is none of your ways to pay", name="paymentMethod")
    return method_id


async def priced(orders: Orders, restaurant_id: str, wanted: list[Wanted]) -> Money:
    """What all of it costs, by the service that knows the prices."""
    try:
        return (await orders.quote(restaurant_id, wanted)).total
    except Missing:
        raise Refused("is no restaurant", name="restaurantId") from None
    except BackendStatus as error:
        if error.status != 422:
            raise
        raise Refused("cannot all be ordered at this restaurant", name="items") from None


async def reserved(inventory: Inventory, wanted: list[Wanted], key: str) -> str:
    try:
        return await inventory.reserve(wanted, key)
    except BackendStatus as error:
        short = short_of(error)
        if not short:
            raise
        raise Refused(f"too little is left of dish {', '.join(short)}") from None


async def paid(payments: Payments, method_id: str, price: Money, key: str) -> str:
    try:
        return await payments.charge(method_id, price, key)
    except BackendStatus as error:
        if error.status != 402:
            raise
        raise Refused("the payment was declined", kind="payment-required") from None


async def placed(orders: Orders, new: NewOrder, key: str) -> Order:
    try:
        return await orders.place(new, key)
    except BackendStatus as error:
        if not costs_otherwise(error):
            raise
        raise Refused("the price has changed meanwhile; look at it again") from None


async def brought(delivery: Delivery, assignment: Assignment) -> Assigned:
    try:
        return await delivery.assign(assignment)
    except Missing:
        raise Refused("the order was cancelled meanwhile") from None


@action("/orders", apps=(mobile, web), scopes=["orders:write"], budget=4.0, idempotent=True, priority="critical", status=201)
async def place_order(
    restaurant_id: ID,
    items: Items,
    address: Address,
    payment_method: ID,
    instructions: Instructions = "",
    *,
    caller: Caller,
    once: Once,
    steps: Steps,
    users: Users,
    geocoder: Geocoder,
    payments: Payments,
    orders: Orders,
    inventory: Inventory,
    delivery: Delivery,
) -> OrderPlaced:
    """Order dishes to an address. The price is the orders service's; it is charged once, and given back if the order fails."""
    user_id, wanted = known(caller), [Wanted(item.dish_id, item.quantity) for item in items]
    async with TaskGroup() as reads:  # nothing is written until all of them are well
        user = reads.create_task(users.profile(user_id))
        place = reads.create_task(located(geocoder, address))
        method = reads.create_task(own_method(payments, user_id, payment_method))
        price = reads.create_task(priced(orders, restaurant_id, wanted))

    # Each write has a key of its own, which its undoing gives up: a write that is late then does nothing any more.
    stock, charge, ordered = once.key("stock"), once.key("payment"), once.key("order")
    steps.plan("stock", lambda _: inventory.release_key(stock))
    steps.plan("payment", lambda _: payments.refund_key(charge))
    steps.plan("order", lambda _: orders.give_up(ordered))
    reservation_id = await steps.do("stock", reserved(inventory, wanted, stock))
    payment_id = await steps.do("payment", paid(payments, method.result(), price.result(), charge))
    new = NewOrder(user_id, restaurant_id, wanted, address, instructions, payment_id, reservation_id)
    order = await steps.do("order", placed(orders, new, ordered))
    at = place.result().position
    assignment = Assignment(order.id, user.result().name, Location(at.lat, at.lon), instructions)
    assigned = await steps.do("delivery", brought(delivery, assignment))  # a cancelled order has no delivery: nothing to undo
    return OrderPlaced(
        order_id=ID(assigned.order_reference),
        status=one_of(DeliveryStatus, assigned.current_status, "delivery"),
        estimated_delivery=assigned.eta,
        total=money(order.total),
    )
