"""Rate order: once an order, by who ate it."""

import pytest

from bff import ID, BackendStatus, BackendTimeout, Missing, Refused
from bff.composition.action_run import Performed
from clients.reviews import NewReview
from composers.rate_order import rate_order
from schemas.rate_order import OrderRated
from tests.composers.acting import names, performed
from tests.composers.fakes import NOON, Call, FakeReviews, Ways


async def rated(*special: Ways, order: str = "1") -> tuple[Performed, list[Call]]:
    return await performed(rate_order, {"order_id": order, "rating": 5, "text": "Good."}, *special)


async def test_what_is_said_goes_to_the_restaurant_of_the_order_under_the_orders_own_key() -> None:
    result, calls = await rated()
    assert result.value == OrderRated(order_id=ID("1"), restaurant_id=ID("5"), rating=5, text="Good.", created_at=NOON)
    assert calls == [("order", "1"), ("write", (NewReview("5", "7", 5, "Good.", "1"), "rating-of-order-1"))]


async def test_another_users_order_is_missing_and_nothing_is_said() -> None:
    result, calls = await rated(order="666")
    assert isinstance(result.error, Missing)
    assert names(calls) == ["order"]


@pytest.mark.parametrize(("status", "told"), [(409, "delivered"), (422, "already")])
async def test_what_the_service_refuses_is_a_conflict(status: int, told: str) -> None:
    result, _ = await rated(FakeReviews(write=BackendStatus("reviews", status)))
    assert isinstance(result.error, Refused)
    assert result.error.kind == "conflict"
    assert told in result.error.detail


async def test_a_write_that_nobody_answers_is_a_timeout_and_may_be_sent_again() -> None:
    error = BackendTimeout("reviews")
    result, _ = await rated(FakeReviews(write=error))
    assert (result.error, result.left) == (error, ())
