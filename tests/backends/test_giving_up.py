"""What was written under a key is undone by it, even before it comes: stock, charges, reviews."""

from xml.etree.ElementTree import Element

import httpx
from defusedxml.ElementTree import fromstring

from backends.running import Backends
from tests.backends.conftest import Asking

LINES = {"lines": [{"dish_id": "1", "quantity": 2}]}
KEY = {"Idempotency-Key": "k1"}
CHARGE = b'<charge><method>13</method><amount currency="EUR">2350</amount></charge>'


async def left(ask: Asking) -> int:
    [stock] = (await ask("inventory", "/stock?dish=1")).json()
    found: int = stock["available"]
    return found


async def test_the_same_key_takes_stock_once(ask: Asking) -> None:
    before = await left(ask)
    first = await ask("inventory", "/reserve", "POST", json=LINES, headers=KEY)
    again = await ask("inventory", "/reserve", "POST", json=LINES, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert await left(ask) == before - 2


async def test_what_is_released_is_put_back_once(ask: Asking) -> None:
    before = await left(ask)
    made = (await ask("inventory", "/reserve", "POST", json=LINES, headers=KEY)).json()
    for body in (made, {"key": "k1"}, made):
        assert (await ask("inventory", "/release", "POST", json=body)).json() == made
        assert await left(ask) == before
    for wrong, status in (({"reservation_id": "999"}, 404), ({}, 422)):
        assert (await ask("inventory", "/release", "POST", json=wrong)).status_code == status


async def test_a_reservation_that_comes_after_its_key_was_given_up_takes_nothing(ask: Asking) -> None:
    before = await left(ask)
    assert (await ask("inventory", "/release", "POST", json={"key": "k1"})).json() == {"reservation_id": None}
    assert (await ask("inventory", "/reserve", "POST", json=LINES, headers=KEY)).status_code == 409
    assert await left(ask) == before


async def payments(backends: Backends, path: str, body: bytes, **headers: str) -> tuple[int, Element]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"http://{backends.address('payments')}{path}", content=body, headers=headers)
    return answer.status_code, fromstring(answer.content)


def status_of(backends: Backends, payment: str | None) -> str:
    row = backends.world.store.one("SELECT status FROM payments WHERE id = ?", payment)
    assert row is not None
    return str(row["status"])


async def test_a_refund_by_payment_or_by_key_is_made_once(backends: Backends) -> None:
    _, charged = await payments(backends, "/charge", CHARGE, **KEY)
    number = charged.get("id")
    for asked in (b"<key>k1</key>", b"<payment>%s</payment>" % str(number).encode(), b"<key>k1</key>"):
        status, refund = await payments(backends, "/refund", b"<refund>%s</refund>" % asked)
        assert (status, refund.tag, refund.get("payment")) == (200, "refund", number)
        assert status_of(backends, number) == "REFUNDED"
    for wrong, expected in ((b"<refund><payment>0</payment></refund>", 404), (b"<refund/>", 422), (b"", 422)):
        assert (await payments(backends, "/refund", wrong))[0] == expected


async def test_a_charge_that_comes_after_its_key_was_given_up_charges_nothing(backends: Backends) -> None:
    [before] = backends.world.store.rows("SELECT COUNT(*) AS count FROM payments")
    status, refund = await payments(backends, "/refund", b"<refund><key>k1</key></refund>")
    assert (status, refund.get("payment")) == (200, None)
    assert (await payments(backends, "/charge", CHARGE, **KEY))[0] == 409
    [after] = backends.world.store.rows("SELECT COUNT(*) AS count FROM payments")
    assert after["count"] == before["count"]


async def test_the_same_key_writes_a_review_once(ask: Asking) -> None:
    new = {"restaurant_id": "1", "user_id": "7", "rating": 5, "text": "Great"}
    [before] = (await ask("reviews", "/ratings?restaurant=1")).json()
    first = await ask("reviews", "/reviews", "POST", json=new, headers=KEY)
    again = await ask("reviews", "/reviews", "POST", json=new, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    [after] = (await ask("reviews", "/ratings?restaurant=1")).json()
    assert after["count"] == before["count"] + 1
    other = await ask("reviews", "/reviews", "POST", json=new | {"rating": 1}, headers=KEY)
    assert other.status_code == 422
