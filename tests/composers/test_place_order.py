"""Place order: what each service is given, who says no, and what is left when a service fails at its step."""

from typing import Any

import pytest

from bff import (
    ID,
    BackendBusy,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    Caller,
    Missing,
    Once,
    Refused,
    Steps,
)
from bff.composition.action_run import Performed
from bff.testing import ManualClock
from clients.delivery import Assignment, Location
from clients.money import Wanted
from clients.orders import NewOrder
from composers.place_order import place_order
from schemas.money import Money
from schemas.place_order import DeliveryStatus, OrderItem, OrderPlaced
from tests.composers.acting import names, performed
from tests.composers.fakes import (
    ADA,
    NOON,
    PRICE,
    Call,
    FakeDelivery,
    FakeGeocoder,
    FakeInventory,
    FakeOrders,
    FakePayments,
    FakeUsers,
    Ways,
)

ADDRESS = "Adalbertstr. 1, Kreuzberg"
ASKED: dict[str, object] = {
    "restaurant_id": "5",
    "items": [OrderItem(ID("51"), 2)],
    "address": ADDRESS,
    "payment_method": "1",
    "instructions": "Ring twice",
}
KEYS = Once("k")
READS = {"profile", "find", "methods", "quote"}
UNDOING = {
    "reserve": ("release_key", KEYS.key("stock")),
    "charge": ("refund_key", KEYS.key("payment")),
    "place": ("give_up", KEYS.key("order")),
}
# Whatever fails: an earlier run with the same keys, of which nothing is known any more, may have come further.
ALL_UNDONE = [UNDOING["place"], UNDOING["charge"], UNDOING["reserve"]]
STEPS = ["reserve", "charge", "place", "assign"]
STEP_NAMES = {"reserve": "stock", "charge": "payment", "place": "order", "assign": "delivery"}
FAKES: dict[str, type[Ways]] = {
    "reserve": FakeInventory,
    "charge": FakePayments,
    "place": FakeOrders,
    "assign": FakeDelivery,
}


async def placed(*special: Ways, clock: ManualClock | None = None, **given: object) -> tuple[Performed, list[Call]]:
    return await performed(place_order, ASKED | given, *special, clock=clock)


def writes(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call[0] not in READS]


async def test_called_plainly_it_gives_what_the_client_gets() -> None:
    shown = await place_order(
        restaurant_id=ID("5"),
        items=[OrderItem(ID("51"), 2)],
        address=ADDRESS,
        payment_method=ID("1"),
        caller=Caller(id="7"),
        once=Once("k"),
        steps=Steps(),
        users=FakeUsers(),
        geocoder=FakeGeocoder(),
        payments=FakePayments(),
        orders=FakeOrders(),
        inventory=FakeInventory(),
        delivery=FakeDelivery(),
    )
    assert shown == OrderPlaced(
        order_id=ID("31"),
        status=DeliveryStatus.ASSIGNED,
        estimated_delivery=NOON,
        total=Money(amount=PRICE.amount, currency=PRICE.currency),
    )


async def test_each_service_is_given_its_part_in_turn() -> None:
    result, calls = await placed()
    assert result.error is None
    wanted = [Wanted("51", 2)]
    assert set(names(calls)[:4]) == READS
    assert calls[4:] == [
        ("reserve", (wanted, KEYS.key("stock"))),
        ("charge", ("1", PRICE, KEYS.key("payment"))),
        ("place", (NewOrder("7", "5", wanted, ADDRESS, "Ring twice", "p1", "r1"), KEYS.key("order"))),
        ("assign", Assignment("31", "Ada Lovelace", Location(52.5, 13.4), "Ring twice")),
    ]


async def test_delivery_is_told_of_no_instructions_by_an_empty_text() -> None:
    _, calls = await placed(instructions="")
    [(_, assignment)] = [call for call in calls if call[0] == "assign"]
    assert isinstance(assignment, Assignment)
    assert assignment.delivery_instructions == ""


async def test_the_steps_keys_are_the_same_for_the_same_request_and_others_for_another() -> None:
    def keys(calls: list[Call]) -> list[object]:
        return [asked[-1] for name, asked in calls if name in UNDOING and isinstance(asked, tuple)]

    (_, first), (_, again) = await placed(), await placed()
    _, other = await performed(place_order, ASKED, key="another")
    assert keys(first) == keys(again)
    assert len({*keys(first), *keys(other)}) == 6


NO: list[tuple[Ways, dict[str, object], str]] = [
    (FakeGeocoder(find=Missing("geocoder")), {}, "address"),
    (FakeGeocoder(find=BackendStatus("geocoder", 422)), {}, "address"),
    (FakeUsers(), {"payment_method": "2"}, "paymentMethod"),
    (FakeOrders(quote=Missing("orders")), {}, "restaurantId"),
    (FakeOrders(quote=BackendStatus("orders", 422)), {}, "items"),
]


@pytest.mark.parametrize(("fake", "given", "name"), NO)
async def test_an_input_that_cannot_be_is_named_and_nothing_is_written(fake: Ways, given: dict[str, Any], name: str) -> None:
    result, calls = await placed(fake, **given)
    assert isinstance(result.error, Refused)
    assert (result.error.name, writes(calls)) == (name, [])


@pytest.mark.parametrize(
    "fake",
    [
        FakeUsers(profile=BackendTimeout("users")),
        FakeGeocoder(find=BackendStatus("geocoder", 500)),
        FakePayments(methods=BackendUnreachable("payments")),
        FakeOrders(quote=BackendBusy("orders")),
    ],
)
async def test_a_service_that_fails_before_anything_is_written_leaves_nothing(fake: Ways) -> None:
    result, calls = await placed(fake)
    [error] = fake.ways.values()
    assert (result.error, result.undone, result.left, writes(calls)) == (error, (), (), [])


async def test_the_other_reads_are_ended_when_one_fails() -> None:
    clock = ManualClock()
    began = clock.now()
    result, _ = await placed(FakeUsers(clock, profile=60.0), FakeGeocoder(find=Missing("geocoder")), clock=clock)
    assert isinstance(result.error, Refused)
    assert clock.now() == began


async def test_a_dish_of_which_too_little_is_left_is_named_in_the_conflict() -> None:
    short = BackendStatus("inventory", 409, body=b'{"error": "too little", "dish_ids": ["51"]}')
    result, calls = await placed(FakeInventory(reserve=short))
    assert isinstance(result.error, Refused)
    assert (result.error.kind, result.error.name) == ("conflict", None)
    assert "51" in result.error.detail
    assert names(writes(calls)) == ["reserve"], "what was refused is not undone"


async def test_a_declined_payment_is_told_and_the_stock_put_back() -> None:
    result, calls = await placed(FakePayments(charge=BackendStatus("payments", 402)))
    assert isinstance(result.error, Refused)
    assert result.error.kind == "payment-required"
    assert (writes(calls)[2:], result.undone) == (ALL_UNDONE, ("stock",))


async def test_a_price_that_changed_after_it_was_charged_is_told_and_the_money_given_back() -> None:
    changed = BackendStatus("orders", 409, body=b'{"error": "x", "costs": {"amount": 2400, "currency": "EUR"}}')
    result, calls = await placed(FakeOrders(place=changed))
    assert isinstance(result.error, Refused)
    assert (result.error.kind, writes(calls)[3:], result.undone) == ("conflict", ALL_UNDONE, ("payment", "stock"))


async def test_an_order_that_is_cancelled_while_it_is_placed_is_told_to_be() -> None:
    result, calls = await placed(FakeDelivery(assign=Missing("delivery")))
    assert isinstance(result.error, Refused)
    assert (result.error.kind, writes(calls)[4:]) == ("conflict", ALL_UNDONE)
    assert "cancelled meanwhile" in result.error.detail


@pytest.mark.parametrize("step", STEPS[:3])
async def test_a_key_that_an_earlier_run_gave_up_is_no_word_about_this_request_and_all_keys_are_new_ones_next(
    step: str,
) -> None:
    given_up = BackendStatus("x", 409, body=b'{"error": "this Idempotency-Key was given up"}')
    result, calls = await placed(FAKES[step](None, **{step: given_up}))
    assert (result.error, result.anew, result.left) == (given_up, True, ())
    assert writes(calls)[STEPS.index(step) + 1 :] == ALL_UNDONE


# What failed for certain is not told as undone, what may have been done is.
FAULTS = [
    (BackendTimeout("x"), True),
    (BackendUnreachable("x"), True),
    (BackendStatus("x", 500), True),
    (BackendBusy("x"), False),
    (BackendStatus("x", 403), False),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("error", "perhaps"), FAULTS)
async def test_a_step_that_fails_leaves_nothing_of_the_steps_before_it(step: str, error: Exception, perhaps: bool) -> None:
    result, calls = await placed(FAKES[step](None, **{step: error}))
    before = STEPS[: STEPS.index(step) + perhaps]
    undone = tuple(STEP_NAMES[name] for name in reversed(before) if name in UNDOING)
    nothing_asked = step == "reserve" and isinstance(error, BackendBusy)
    assert writes(calls)[STEPS.index(step) + 1 :] == ([] if nothing_asked else ALL_UNDONE)
    assert (result.error, result.step, result.undone, result.left) == (error, STEP_NAMES[step], undone, ())
    assert result.anew is not nothing_asked, "keys that were given up are used by no other run"


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_hangs_is_cut_and_undone(step: str) -> None:
    clock = ManualClock()
    result, calls = await placed(FAKES[step](clock, **{step: 60.0}), clock=clock)
    assert isinstance(result.error, BackendTimeout)
    assert writes(calls)[STEPS.index(step) + 1 :] == ALL_UNDONE


@pytest.mark.parametrize(
    ("fake", "left", "undone"),
    [
        (FakeInventory(release_key=BackendUnreachable("inventory")), ("stock",), ("order", "payment")),
        (FakePayments(refund_key=BackendUnreachable("payments")), ("payment",), ("order", "stock")),
        (FakeOrders(give_up=BackendUnreachable("orders")), ("order",), ("payment", "stock")),
    ],
)
async def test_what_cannot_be_undone_is_named_and_the_rest_is_undone(
    fake: Ways, left: tuple[str, ...], undone: tuple[str, ...]
) -> None:
    result, _ = await placed(fake, FakeDelivery(assign=BackendTimeout("delivery")))
    assert (result.left, result.undone) == (left, undone)


async def test_a_status_that_delivery_has_invented_is_its_failure_and_nothing_is_left() -> None:
    class Inventive(FakeDelivery):
        async def assign(self, assignment: Assignment) -> Any:
            assigned = await super().assign(assignment)
            assigned.current_status = "TELEPORTED"
            return assigned

    result, _ = await placed(Inventive())
    assert (type(result.error).__name__, result.undone) == ("BackendInvalid", ("order", "payment", "stock"))


async def test_only_who_may_write_orders_may_order() -> None:
    assert place_order.scopes == {"orders:write"} <= ADA.scopes
    assert place_order.idempotent
