"""Cancel order: cancelled, paid back, put back; and what is told when only a part of it came through."""

import pytest

from bff import ID, BackendBusy, BackendStatus, BackendTimeout, Missing, Refused
from bff.composition.action_run import Performed
from composers.cancel_order import cancel_order
from schemas.cancel_order import OrderCancelled
from schemas.money import Money
from schemas.orders import OrderStatus
from tests.composers.acting import names, performed
from tests.composers.fakes import PRICE, Call, FakeInventory, FakeOrders, FakePayments, Ways


async def cancelled(*special: Ways, order: str = "31") -> tuple[Performed, list[Call]]:
    return await performed(cancel_order, {"order_id": order}, *special)


async def test_the_money_goes_back_and_so_do_the_dishes() -> None:
    result, calls = await cancelled()
    assert result.value == OrderCancelled(
        order_id=ID("31"), status=OrderStatus.CANCELLED, refunded=Money(amount=PRICE.amount, currency=PRICE.currency)
    )
    assert calls == [("order", "31"), ("cancel", "31"), ("refund", "31"), ("release", "r31")]


async def test_another_users_order_is_missing_and_untouched() -> None:
    result, calls = await cancelled(order="666")
    assert isinstance(result.error, Missing)
    assert (names(calls), result.left) == (["order"], ())


async def test_when_it_is_too_late_nothing_is_done() -> None:
    result, calls = await cancelled(FakeOrders(cancel=BackendStatus("orders", 409)))
    assert isinstance(result.error, Refused)
    assert (result.error.kind, names(calls), result.left) == ("conflict", ["order", "cancel"], ())


@pytest.mark.parametrize(
    ("fake", "step", "left"),
    [
        (FakeOrders(cancel=BackendTimeout("orders")), "order", ("order",)),
        (FakeOrders(cancel=BackendBusy("orders")), "order", ()),
        (FakePayments(refund=BackendTimeout("payments")), "payment", ("order", "payment")),
        (FakePayments(refund=BackendBusy("payments")), "payment", ("order",)),
        (FakeInventory(release=BackendStatus("inventory", 500)), "stock", ("order", "payment", "stock")),
    ],
)
async def test_what_is_or_may_be_done_is_named_when_the_rest_fails(fake: Ways, step: str, left: tuple[str, ...]) -> None:
    result, _ = await cancelled(fake)
    assert (result.step, result.undone, result.left) == (step, (), left)
