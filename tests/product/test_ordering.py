"""Ordering through the whole product: once, for who may, in REST and GraphQL, and with every service failing at its step."""

import asyncio
import itertools
import signal
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bff.testing import Fault
from tests.product.ordering import (
    ADDRESS,
    BREAKS,
    DISH,
    DRIPS,
    FAILS,
    HANGS,
    QUANTITY,
    READS,
    RESTAURANT,
    WRITES,
    Books,
    Customer,
    books,
    customer,
)
from tests.product.world import PATIENCE, World, world

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCOPES = ("orders:read", "orders:write", "reviews:write")
# Of each service on the way, in seconds: a test waits for those that hang. gRPC's first call connects.
TIMEOUTS = dict.fromkeys(("USERS", "GEOCODER", "INVENTORY", "PAYMENTS", "ORDERS"), "0.5") | {"DELIVERY": "1.0"}
USERS = itertools.count(100)  # one a test: ten orders a minute is what a user may place
A_MINUTE = 10
STOCK = 60  # of a dish, before each test

BODY: dict[str, Any] = {
    "restaurantId": RESTAURANT,
    "items": [{"dishId": DISH, "quantity": QUANTITY}],
    "address": ADDRESS,
}
ORDERED = ("PLACED", "CAPTURED", "delivery")
PLACE = """mutation($method: ID!, $address: String!) {
  placeOrder(restaurantId: "1", items: [{dishId: "1", quantity: 2}], address: $address, paymentMethod: $method) {
    orderId status estimatedDelivery total { amount currency }
  }
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="running")
async def _running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("ordering")
    async with world(
        folder, limits=True, **{f"BFF_SERVICES__{name}__TIMEOUT": seconds for name, seconds in TIMEOUTS.items()}
    ) as running:
        yield running


@pytest.fixture
def who(product: World) -> Customer:
    """Somebody who has ordered nothing yet, at a kitchen that is stocked anew."""
    product.backends.world.store.write("UPDATE stock SET available = ? WHERE dish_id IN (?, 17)", STOCK, DISH)
    return customer(product.backends, next(USERS))


async def post(
    product: World,
    who: Customer,
    path: str,
    body: object,
    *,
    key: str | None = None,
    scopes: tuple[str, ...] = SCOPES,
    app: str = "mobile",
) -> httpx.Response:
    headers = {"authorization": f"Bearer {product.backends.world.tokens.sign(who.id, scopes)}"}
    if key is not None:
        headers["idempotency-key"] = key
    return await product.http.post(f"{product.public}/{app}{path}", json=body, headers=headers)


async def ordered(product: World, who: Customer, *, key: str | None = None, app: str = "mobile", **changes: object) -> Any:
    body = BODY | {"paymentMethod": who.method} | changes
    return await post(product, who, "/v1/orders", body, key=key or str(uuid.uuid4()), app=app)


async def ordered_in_graphql(product: World, who: Customer, key: str, address: str = ADDRESS) -> httpx.Response:
    body = {"query": PLACE, "variables": {"method": who.method, "address": address}}
    return await post(product, who, "/graphql", body, key=key)


def now(product: World, who: Customer) -> Books:
    return books(product.backends.world.store, who.id)


async def test_an_order_goes_the_whole_way(product: World, who: Customer) -> None:
    before = now(product, who)
    answer = await ordered(product, who, instructions="Ring twice")
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    assert data.keys() == {"orderId", "status", "estimatedDelivery", "total"}
    assert data["status"] == "ASSIGNED"
    assert datetime.fromisoformat(data["estimatedDelivery"]).utcoffset() is not None
    after = now(product, who)
    assert (after.standing, after.held - before.held) == (ORDERED, QUANTITY)
    store = product.backends.world.store
    row = store.one(
        "SELECT deliveries.*, users.name, amount, subtotal + fee AS total FROM orders"
        " JOIN deliveries ON deliveries.order_id = orders.id"
        " JOIN users ON users.id = user_id JOIN payments ON payments.id = payment_id"
        " WHERE orders.id = ?",
        data["orderId"],
    )
    assert row is not None
    assert (row["customer_name"], row["instructions"]) == (row["name"], "Ring twice")
    assert data["total"] == {"amount": row["amount"], "currency": "EUR"}
    assert row["amount"] == row["total"]


async def test_the_same_in_graphql_and_its_problems_are_the_same(product: World, who: Customer) -> None:
    placed = (await ordered_in_graphql(product, who, "g1")).json()
    assert "errors" not in placed, placed
    assert placed["data"]["placeOrder"]["status"] == "ASSIGNED"
    again = await ordered_in_graphql(product, who, "g1")
    assert again.json()["data"] == placed["data"]
    assert again.headers["idempotency-replayed"] == "true"
    assert now(product, who).standing == ORDERED
    refused = (await ordered_in_graphql(product, who, "g2", "Atlantis 5")).json()
    rest = (await ordered(product, who, address="Atlantis 5")).json()
    [error] = refused["errors"]
    assert error["extensions"]["errors"] == rest["errors"] == [{"name": "address", "detail": "is no address that we find"}]


async def test_a_replayed_key_is_the_same_answer_one_order_and_one_payment(product: World, who: Customer) -> None:
    first, again = await ordered(product, who, key="r1"), await ordered(product, who, key="r1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["data"] == again.json()["data"]
    assert (again.headers.get("idempotency-replayed"), "idempotency-replayed" in first.headers) == ("true", False)
    assert now(product, who).standing == ORDERED
    other = await ordered(product, who, key="r1", instructions="another body")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/conflict")


async def test_ten_at_once_with_one_key_are_one_order(product: World, who: Customer) -> None:
    answers = await asyncio.gather(*(ordered(product, who, key="p1") for _ in range(A_MINUTE)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    assert all(answer.headers["retry-after"] == "10" for answer in answers if answer.status_code == 409)
    assert now(product, who).standing == ORDERED


NO: list[tuple[dict[str, object], int, list[str]]] = [
    ({"address": "Atlantis 5"}, 422, ["address"]),
    ({"paymentMethod": "1"}, 422, ["paymentMethod"]),
    ({"restaurantId": "501"}, 422, ["restaurantId"]),
    ({"items": [{"dishId": "8000", "quantity": 1}]}, 422, ["items"]),
    ({"items": [], "userId": "8"}, 422, ["items", "userId"]),
    ({"restaurantId": "6", "items": [{"dishId": "83", "quantity": 1}]}, 409, []),
    ({"items": [{"dishId": DISH, "quantity": 50}] * 2}, 409, []),
]


@pytest.mark.parametrize(("changes", "status", "names"), NO)
async def test_what_cannot_be_ordered_is_told_and_nothing_is_written(
    product: World, who: Customer, changes: dict[str, Any], status: int, names: list[str]
) -> None:
    before = now(product, who)
    answer = await ordered(product, who, **changes)
    assert answer.status_code == status, answer.text
    assert [fault["name"] for fault in answer.json().get("errors", [])] == names
    assert now(product, who) == before


async def test_a_declined_payment_is_a_402_and_nothing_is_held(product: World, who: Customer) -> None:
    before = now(product, who)
    store = product.backends.world.store
    store.write("UPDATE dishes SET price = price + 100000 WHERE id = 17")  # of restaurant 2, which no other test orders from
    answer = await ordered(product, who, restaurantId="2", items=[{"dishId": "17", "quantity": 1}])
    assert (answer.status_code, answer.json()["type"]) == (402, "/problems/payment-required")
    assert now(product, who) == before


async def test_a_price_that_changes_between_paying_and_ordering_is_a_conflict(product: World, who: Customer) -> None:
    """The service is asked for the price first; until the order it waits, and the price rises meanwhile."""
    before = now(product, who)
    product.backends.stub("payments").faults["/charge"] = Fault("latency", ms=300)
    ordering = asyncio.create_task(ordered(product, who))
    await product.backends.stub("payments").wait_for(
        lambda: any(record.path == "/charge" for record in product.backends.stub("payments").seen), PATIENCE
    )
    product.backends.world.store.write("UPDATE dishes SET price = price + 1 WHERE id = ?", DISH)
    answer = await ordering
    assert (answer.status_code, answer.json()["undone"]) == (409, ["payment", "stock"])
    after = now(product, who)
    assert (after.standing, after.payments, after.held) == ((), ("REFUNDED",), before.held)


async def test_only_who_may_write_orders_with_a_key_gets_to_a_service(product: World, who: Customer) -> None:
    body = BODY | {"paymentMethod": who.method}
    refused = await post(product, who, "/v1/orders", body, key="s1", scopes=("orders:read",))
    keyless = await post(product, who, "/v1/orders", body)
    guest = await product.http.post(f"{product.public}/mobile/v1/orders", json=body, headers={"idempotency-key": "s1"})
    assert [answer.status_code for answer in (refused, keyless, guest)] == [403, 400, 401]
    assert sum(product.calls().values()) == 0


# What a client is told by how a service fails; docs/actions.md says the same.
TOLD = [(FAILS, 502), (HANGS, 504), (BREAKS, 503), (DRIPS, 504)]


@pytest.mark.parametrize(("service", "path", "step"), [*READS, *WRITES])
@pytest.mark.parametrize(("fault", "status"), TOLD, ids=lambda value: getattr(value, "kind", ""))
async def test_a_service_that_fails_at_its_step_leaves_nothing_standing(
    product: World, who: Customer, service: str, path: str, step: str, fault: Fault, status: int
) -> None:
    before = now(product, who)
    product.backends.stub(service).faults[path.format(user=who.id)] = fault
    answer = await ordered(product, who, key="f1")
    if step == "delivery" and fault == DRIPS:  # gRPC has no such fault: to its client it is a broken connection
        status = 503
    problem = answer.json()
    assert (answer.status_code, problem.get("step", ""), problem.get("service")) == (status, step, service), answer.text
    after = now(product, who)
    assert (after.standing, after.held, after.available) == ((), before.held, before.available)
    product.reset()
    again = await ordered(product, who, key="f1")  # the same key: nothing was kept, and nothing is taken for done
    assert again.status_code == 201, again.text
    assert now(product, who).standing == ORDERED


@pytest.mark.parametrize(
    ("service", "faults", "left", "stands"),
    [
        ("inventory", {"/reserve": BREAKS, "/release": FAILS}, ["stock"], ()),
        ("payments", {"/charge": BREAKS, "/refund": FAILS}, ["payment"], ("CAPTURED",)),
        ("orders", {"/orders": BREAKS, "/orders/give-up": FAILS}, ["order"], ("PLACED",)),
    ],
)
async def test_what_cannot_be_undone_is_named_to_the_client_and_in_the_log(
    product: World, who: Customer, service: str, faults: dict[str, Fault], left: list[str], stands: tuple[str, ...]
) -> None:
    product.backends.stub(service).faults.update(faults)
    answer = await ordered(product, who, key="i1")
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["left"]) == (502, "/problems/incomplete", left)
    assert now(product, who).standing == stands
    product.reset()
    again = await ordered(product, who, key="i1")
    assert (again.status_code, again.json()["left"], again.headers["idempotency-replayed"]) == (502, left, "true")
    assert now(product, who).standing == stands, "nothing is ordered over what may stand"
    async with asyncio.timeout(10):
        while True:
            if any("incomplete" in line and problem["requestId"] in line for line in product.lines):
                break
            await asyncio.sleep(0.02)


async def reloaded(product: World) -> None:
    """The worker is another one, and what its store had in the process is forgotten."""
    before = {worker["pid"] for worker in (await product.stats())["workers"]}
    product.supervisor.send_signal(signal.SIGHUP)
    async with asyncio.timeout(PATIENCE):
        while True:
            workers = (await product.stats())["workers"]
            if not before & {worker["pid"] for worker in workers} and {worker["state"] for worker in workers} == {"ready"}:
                return
            await asyncio.sleep(0.05)


async def test_what_was_ordered_before_a_reload_is_not_ordered_twice_whatever_fails_after_it(
    product: World, who: Customer
) -> None:
    before = now(product, who)
    first = await ordered(product, who, key="h1")
    assert first.status_code == 201, first.text
    await reloaded(product)
    product.backends.stub("inventory").faults["/reserve"] = FAILS
    failed = await ordered(product, who, key="h1")
    assert (failed.status_code, failed.json()["undone"]) == (502, ["stock"])
    after = now(product, who)
    assert (after.standing, after.held) == ((), before.held)
    product.reset()
    again = await ordered(product, who, key="h1")
    assert again.status_code == 201, again.text
    assert now(product, who).standing == ORDERED, "one order, paid once"


async def test_a_key_whose_run_was_undone_before_a_reload_is_new_after_one_refusal(product: World, who: Customer) -> None:
    product.backends.stub("delivery").faults["/thali.delivery.v1.Delivery/Assign"] = FAILS
    assert (await ordered(product, who, key="h2")).status_code == 502
    await reloaded(product)
    product.reset()
    answers = [await ordered(product, who, key="h2") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [502, 201]
    assert now(product, who).standing == ORDERED


async def test_an_order_that_is_cancelled_while_it_is_placed_is_told_to_be(product: World, who: Customer) -> None:
    delivery = product.backends.stub("delivery")
    delivery.faults["/thali.delivery.v1.Delivery/Assign"] = Fault("latency", ms=400)
    ordering = asyncio.create_task(ordered(product, who))
    async with asyncio.timeout(PATIENCE):
        while True:
            if now(product, who).orders:
                break
            await asyncio.sleep(0.01)
    row = product.backends.world.store.one("SELECT id FROM orders WHERE user_id = ? ORDER BY id DESC", who.id)
    assert row is not None
    assert (await post(product, who, f"/v1/orders/{row['id']}/cancel", {})).status_code == 200
    answer = await ordering
    assert (answer.status_code, answer.json()["detail"]) == (409, "the order was cancelled meanwhile")
    assert now(product, who).standing == ()


async def test_the_eleventh_order_in_a_minute_is_a_429(product: World, who: Customer) -> None:
    statuses = [(await ordered(product, who, address="Atlantis 5")).status_code for _ in range(A_MINUTE)]
    assert statuses == [422] * A_MINUTE
    eleventh = await ordered(product, who)
    assert eleventh.status_code == 429
    assert 0 < int(eleventh.headers["retry-after"]) <= 60
    in_graphql = await ordered_in_graphql(product, who, "l1")
    assert in_graphql.status_code == 429, "the same allowance, whatever the face"
    assert now(product, who).standing == ()
    other = customer(product.backends, next(USERS))
    assert (await ordered(product, other)).status_code == 201


async def test_an_order_is_cancelled_and_paid_back_however_often_it_is_asked(product: World, who: Customer) -> None:
    before = now(product, who)
    order = (await ordered(product, who)).json()["data"]["orderId"]
    for _ in range(2):
        answer = await post(product, who, f"/v1/orders/{order}/cancel", {})
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["status"] == "CANCELLED"
    after = now(product, who)
    assert (after.orders, after.payments, after.standing) == (("CANCELLED",), ("REFUNDED",), ())
    assert (after.held, after.available) == (before.held, before.available)


@pytest.mark.parametrize("milliseconds", ["1", "9"])
async def test_a_cancelling_without_time_begins_nothing(product: World, who: Customer, milliseconds: str) -> None:
    order = (await ordered(product, who)).json()["data"]["orderId"]
    before = now(product, who)
    product.reset()
    token = product.backends.world.tokens.sign(who.id, SCOPES)
    headers = {"authorization": f"Bearer {token}", "request-timeout": milliseconds}
    answer = await product.http.post(f"{product.public}/mobile/v1/orders/{order}/cancel", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (504, "/problems/backend-timeout"), answer.text
    assert (now(product, who), sum(product.calls().values())) == (before, 0)
    assert (await post(product, who, f"/v1/orders/{order}/cancel", {})).status_code == 200


async def test_a_cancelling_that_is_cut_short_is_told_and_finished_when_asked_again(product: World, who: Customer) -> None:
    order = (await ordered(product, who)).json()["data"]["orderId"]
    product.backends.stub("payments").faults["/refund"] = FAILS
    answer = await post(product, who, f"/v1/orders/{order}/cancel", {})
    assert (answer.status_code, answer.json()["left"]) == (502, ["order", "payment"])
    product.reset()
    assert (await post(product, who, f"/v1/orders/{order}/cancel", {})).status_code == 200
    assert now(product, who).standing == ()


async def test_nobody_cancels_or_rates_the_order_of_another(product: World, who: Customer) -> None:
    order = (await ordered(product, who)).json()["data"]["orderId"]
    other = customer(product.backends, next(USERS))
    for path, body in ((f"/v1/orders/{order}/cancel", {}), (f"/v1/orders/{order}/rating", {"rating": 1})):
        theirs, none = await post(product, other, path, body), await post(product, other, path.replace(order, "9999999"), body)
        assert (theirs.status_code, none.status_code) == (404, 404)
        assert theirs.json()["detail"] == none.json()["detail"]
    assert now(product, who).standing == ORDERED


async def test_an_order_is_rated_once_it_is_delivered_and_once(product: World) -> None:
    ada = customer(product.backends, 7)
    first = await post(product, ada, "/v1/orders/29737/rating", {"rating": 4, "text": "Good."})
    again = await post(product, ada, "/v1/orders/29737/rating", {"rating": 4, "text": "Good."})
    other = await post(product, ada, "/v1/orders/29737/rating", {"rating": 1})
    too_early = await post(product, ada, "/v1/orders/29879/rating", {"rating": 1})
    assert [answer.status_code for answer in (first, again, other, too_early)] == [200, 200, 409, 409]
    assert first.json()["data"] == again.json()["data"]
