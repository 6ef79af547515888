"""What is written for a user is written by them alone, and undone by them alone (S110): payments, orders, reviews, couriers."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf import json_format, message_factory

from backends.delivery import PROTO
from backends.grpc_service import compiled
from backends.running import Backends
from bff.caller import Caller
from bff.inside import HEADER
from tests.backends.test_asker import ADA, BEN, KEYS, word

CHARGE = b'<charge><method>13</method><amount currency="EUR">2350</amount></charge>'  # method 13 is Ada's
ORDER = {"user_id": "7", "restaurant_id": "1", "lines": [{"dish_id": "1"}], "address": "x"}


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Backends]:
    (tmp_path / "jwks.json").write_bytes(KEYS.document)
    async with Backends.start(free_ports=True, inside=tmp_path / "jwks.json") as running:
        yield running


async def post(
    backends: Backends, service: str, path: str, caller: Caller, *, key: str = "", body: bytes = b"", json: object = None
) -> int:
    headers = word(caller, service) | ({"Idempotency-Key": key} if key else {})
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"http://{backends.address(service)}{path}"
        answer = await http.post(url, headers=headers, content=body or None, json=json)
    return answer.status_code


def value(backends: Backends, sql: str) -> object:
    row = backends.world.store.one(sql)
    assert row is not None
    return row[0]


async def test_nobody_pays_by_the_card_of_another_or_learns_that_there_is_one(guarded: Backends) -> None:
    assert await post(guarded, "payments", "/charge", BEN, body=CHARGE) == 422
    assert await post(guarded, "payments", "/charge", BEN, body=CHARGE.replace(b"13", b"999999")) == 422
    assert await post(guarded, "payments", "/charge", ADA, body=CHARGE) == 201


async def test_nobody_gives_back_the_payment_of_another(guarded: Backends) -> None:
    assert await post(guarded, "payments", "/charge", ADA, body=CHARGE, key="k") == 201
    number = str(value(guarded, "SELECT MAX(id) FROM payments"))
    for asked in (b"<payment>%s</payment>" % number.encode(), b"<key>k</key>"):
        assert await post(guarded, "payments", "/refund", BEN, body=b"<refund>%s</refund>" % asked) == 404
    assert value(guarded, f"SELECT status FROM payments WHERE id = {number}") == "CAPTURED"
    assert await post(guarded, "payments", "/charge", BEN, body=CHARGE, key="k") == 422, "nor is it shown"
    assert await post(guarded, "payments", "/charge", ADA, body=CHARGE, key="k") == 200, "the key was not given up"
    assert await post(guarded, "payments", "/refund", ADA, body=b"<refund><key>k</key></refund>") == 200


async def test_nobody_gives_up_the_order_of_another(guarded: Backends) -> None:
    assert await post(guarded, "orders", "/orders", ADA, json=ORDER, key="k") == 201
    assert await post(guarded, "orders", "/orders/give-up", BEN, json={"key": "k"}) == 404
    assert value(guarded, "SELECT status FROM orders ORDER BY id DESC") == "PLACED"
    assert await post(guarded, "orders", "/orders/give-up", ADA, json={"key": "k"}) == 200


async def test_nobody_speaks_in_the_name_of_another(guarded: Backends) -> None:
    said = {"restaurant_id": "1", "user_id": "7", "rating": 1}
    assert await post(guarded, "reviews", "/reviews", BEN, json=said) == 404
    assert await post(guarded, "reviews", "/reviews", ADA, json=said) == 201


async def test_nobody_sends_a_courier_for_another_or_follows_one(guarded: Backends) -> None:
    await post(guarded, "orders", "/orders", ADA, json=ORDER)
    order = str(value(guarded, "SELECT MAX(id) FROM orders"))
    assert await rpc(guarded, "Assign", BEN, order) is None
    assert await rpc(guarded, "Assign", ADA, order) is not None
    assert await rpc(guarded, "TrackMany", BEN, order) == {}
    tracked = await rpc(guarded, "TrackMany", ADA, order)
    assert tracked is not None
    assert tracked.keys() == {"deliveries"}


async def rpc(backends: Backends, name: str, caller: Caller, order: str) -> dict[str, object] | None:
    """The answer; None: NOT_FOUND."""
    [service] = compiled(PROTO).services_by_name.values()
    method = service.methods_by_name[name]
    fields: dict[str, object] = {"order_ids": [order]}
    if name == "Assign":
        fields = {"order_id": order, "customer_name": "Ada", "delivery_location": {"latitude": 52.5, "longitude": 13.4}}
    request = json_format.ParseDict(fields, message_factory.GetMessageClass(method.input_type)())
    async with grpc.aio.insecure_channel(backends.address("delivery")) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{service.full_name}/{name}")
        try:
            raw = await call(request.SerializeToString(), metadata=((HEADER, word(caller, "delivery")[HEADER]),), timeout=5)
        except grpc.aio.AioRpcError as error:
            return None if error.code() is grpc.StatusCode.NOT_FOUND else {"code": error.code()}
    return json_format.MessageToDict(message_factory.GetMessageClass(method.output_type).FromString(raw))


async def test_nobody_orders_with_the_payment_or_the_dishes_of_another(guarded: Backends) -> None:
    assert await post(guarded, "inventory", "/reserve", ADA, json={"lines": ORDER["lines"]}) == 201
    reservation = str(value(guarded, "SELECT MAX(id) FROM reservations"))
    assert await post(guarded, "orders", "/orders", ADA, json=ORDER) == 201
    total = value(guarded, "SELECT subtotal + fee FROM orders ORDER BY id DESC")
    charge = CHARGE.replace(b"2350", str(total).encode())
    assert await post(guarded, "payments", "/charge", ADA, body=charge) == 201
    payment = str(value(guarded, "SELECT MAX(id) FROM payments"))
    for hers in ({"payment_id": payment}, {"reservation_id": reservation}):
        assert await post(guarded, "orders", "/orders", BEN, json=ORDER | {"user_id": "8"} | hers) == 422
    both = {"payment_id": payment, "reservation_id": reservation}
    assert await post(guarded, "orders", "/orders", ADA, json=ORDER | both) == 201


async def test_nobody_puts_back_the_dishes_of_another(guarded: Backends) -> None:
    assert await post(guarded, "inventory", "/reserve", ADA, json={"lines": ORDER["lines"]}, key="k") == 201
    number = str(value(guarded, "SELECT MAX(id) FROM reservations"))
    for asked in ({"reservation_id": number}, {"key": "k"}):
        assert await post(guarded, "inventory", "/release", BEN, json=asked) == 404
    assert value(guarded, f"SELECT status FROM reservations WHERE id = {number}") == "HELD"
    assert await post(guarded, "inventory", "/release", ADA, json={"key": "k"}) == 200
