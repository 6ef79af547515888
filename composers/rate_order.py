"""Rate order: what you say of the restaurant that cooked it. An order is rated once: its id is the write's key."""

from typing import Annotated

from annotated_types import Ge, Le, MaxLen

from bff import ID, BackendStatus, Caller, Missing, Refused, action
from clients.orders import Orders
from clients.reviews import NewReview, Review, Reviews
from composers._viewer import known
from composers.apps import mobile, web
from schemas.rate_order import OrderRated

Stars = Annotated[int, Ge(1), Le(5)]
Words = Annotated[str, MaxLen(2_000)]

# What reviews says no with, and what that is for a client.
NOES = {409: "only what was delivered can be rated", 422: "this order has been rated already"}


async def written(reviews: Reviews, review: NewReview) -> Review:
    try:
        return await reviews.write(review, f"rating-of-order-{review.order_id}")
    except BackendStatus as error:
        if error.status not in NOES:
            raise
        raise Refused(NOES[error.status]) from None


@action("/orders/{order_id}/rating", apps=(mobile, web), scopes=["reviews:write"])
async def rate_order(
    order_id: ID, rating: Stars, text: Words = "", *, caller: Caller, orders: Orders, reviews: Reviews
) -> OrderRated:
    """Rate the restaurant of an order that was delivered. The same rating again is the same; another one is a conflict."""
    order = await orders.order(order_id)
    if order.user_id != known(caller):
        raise Missing("orders", "the order of another user")
    said = await written(reviews, NewReview(order.restaurant_id, order.user_id, rating, text, order.id))
    return OrderRated(
        order_id=ID(order.id),
        restaurant_id=ID(order.restaurant_id),
        rating=said.rating,
        text=said.text,
        created_at=said.created_at,
    )
