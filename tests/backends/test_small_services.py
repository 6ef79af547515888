"""Inventory, geocoder, reviews, notifications, payments."""

from xml.etree.ElementTree import Element

import httpx
from defusedxml.ElementTree import fromstring

from backends.running import Backends
from tests.backends.conftest import Asking


async def test_stock_is_reserved_wholly_or_not_at_all(ask: Asking) -> None:
    [one, two] = (await ask("inventory", "/stock?dish=1&dish=2")).json()
    assert set(one) == {"dish_id", "available"}
    wanted = [{"dish_id": "1", "quantity": one["available"]}, {"dish_id": "2", "quantity": two["available"] + 1}]
    short = await ask("inventory", "/reserve", "POST", json={"lines": wanted})
    assert (short.status_code, short.json()["dish_ids"]) == (409, ["2"])
    good = await ask("inventory", "/reserve", "POST", json={"lines": wanted[:1]})
    assert (good.status_code, set(good.json())) == (201, {"reservation_id"})
    [left, _] = (await ask("inventory", "/stock?dish=1&dish=2")).json()
    assert left["available"] == 0
    assert (await ask("inventory", "/reserve", "POST", json={"lines": []})).status_code == 422


async def test_geocoding_finds_the_area_that_the_text_names(ask: Asking) -> None:
    text = "Oranienstraße 1, kreuzberg"
    found = (await ask("geocoder", f"/geocode?text={text}")).json()
    assert (found["area"], found["confidence"]) == ("Kreuzberg", 0.7)
    assert (await ask("geocoder", f"/geocode?text={text}")).json() == found
    [home, *_] = (await ask("users", "/users/7/addresses")).json()["items"]
    known = await ask("geocoder", f"/geocode?text={home['street']}, {home['postcode']} {home['area']}")
    assert (known.json()["position"], known.json()["confidence"]) == (home["position"], 0.95)
    assert (await ask("geocoder", "/geocode?text=Nowhere 5")).status_code == 404
    assert (await ask("geocoder", "/geocode?text=12345")).status_code == 422


async def test_positions_and_areas(ask: Asking) -> None:
    area = (await ask("geocoder", "/areas/Neukölln")).json()
    lat, lon = area["position"]["lat"], area["position"]["lon"]
    assert (await ask("geocoder", f"/reverse?lat={lat}&lon={lon}")).json()["area"] == "Neukölln"
    for bad in ("lat=91&lon=0", "lat=x&lon=0", "lat=nan&lon=0", "lon=0"):
        assert (await ask("geocoder", f"/reverse?{bad}")).status_code == 422


async def test_a_review_counts_at_once(ask: Asking) -> None:
    [before] = (await ask("reviews", "/ratings?restaurant=1")).json()
    new = {"restaurant_id": "1", "user_id": "7", "rating": 5, "text": "Great"}
    written = await ask("reviews", "/reviews", "POST", json=new)
    assert written.status_code == 201
    assert {name: written.json()[name] for name in new} == new
    [after] = (await ask("reviews", "/ratings?restaurant=1")).json()
    assert after["count"] == before["count"] + 1
    for path in ("/reviews?restaurant=1&limit=1", "/reviews?user=7&limit=1"):
        assert (await ask("reviews", path)).json()["items"] == [written.json()]
    for wrong in ({"rating": 6}, {"restaurant_id": "x"}, {"text": "x" * 2001}):
        assert (await ask("reviews", "/reviews", "POST", json=new | wrong)).status_code == 422


async def test_ada_reads_a_notification(ask: Asking) -> None:
    unread = (await ask("notifications", "/notifications?user=7&unread=true")).json()["items"]
    assert [one["is_read"] for one in unread] == [False] * 3
    read = await ask("notifications", f"/notifications/{unread[0]['id']}/read", "POST")
    assert read.json() == unread[0] | {"is_read": True}
    assert len((await ask("notifications", "/notifications?user=7&unread=true")).json()["items"]) == 2
    assert len((await ask("notifications", "/notifications?user=7")).json()["items"]) == 5
    assert (await ask("notifications", "/notifications/999999/read", "POST")).status_code == 404


async def test_banners_for_an_audience(ask: Asking) -> None:
    for audience in ("GUEST", "GOLD"):
        assert len((await ask("notifications", f"/banners?audience={audience}")).json()["items"]) == 2
    assert (await ask("notifications", "/banners?audience=CATS")).status_code == 422


async def charge(backends: Backends, body: bytes, key: str = "") -> httpx.Response:
    headers = {"Content-Type": "application/xml"} | ({"Idempotency-Key": key} if key else {})
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"http://{backends.address('payments')}/charge", content=body, headers=headers)


def parsed(answer: httpx.Response) -> Element:
    assert answer.headers["content-type"] == "application/xml"
    root: Element = fromstring(answer.content)
    return root


async def test_ways_to_pay_and_payments_are_xml(ask: Asking) -> None:
    methods = parsed(await ask("payments", "/methods?user=7")).findall("method")
    assert [(one.findtext("kind"), one.get("default")) for one in methods] == [
        ("CARD", "true"), ("PAYPAL", "false"), ("CARD", "false"),
    ]  # fmt: skip
    [order] = (await ask("orders", "/orders/active?user=7")).json()["items"]
    [payment] = parsed(await ask("payments", f"/payments?order={order['id']}")).findall("payment")
    assert (payment.get("order"), payment.findtext("amount")) == (order["id"], str(order["total"]["amount"]))
    refused = await ask("payments", "/methods")
    assert (refused.status_code, parsed(refused).tag) == (422, "error")


async def test_a_charge_pays_one_order(backends: Backends, ask: Asking) -> None:
    new = {"restaurant_id": "1", "user_id": "7", "address": "x", "lines": [{"dish_id": "1", "quantity": 1}]}
    total = (await ask("orders", "/orders/quote", "POST", json=new)).json()["total"]["amount"]
    body = b"<charge><method>13</method><amount>%d</amount></charge>"
    charged = parsed(await charge(backends, body % total))
    assert charged.get("order") is None
    less = str(parsed(await charge(backends, body % (total - 1))).get("id"))
    assert (await ask("orders", "/orders", "POST", json=new | {"payment_id": less})).status_code == 409
    new["payment_id"] = str(charged.get("id"))
    order = (await ask("orders", "/orders", "POST", json=new)).json()
    [payment] = parsed(await ask("payments", f"/payments?order={order['id']}")).findall("payment")
    assert payment.get("id") == charged.get("id") == order["payment_id"]
    assert (await ask("orders", "/orders", "POST", json=new)).status_code == 422


async def test_a_charge_is_made_once(backends: Backends) -> None:
    body = b'<charge><method>13</method><amount currency="EUR">2350</amount></charge>'
    first, again = await charge(backends, body, "k"), await charge(backends, body, "k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    assert parsed(first).findtext("status") == "CAPTURED"
    assert (await charge(backends, body.replace(b"2350", b"1"), "k")).status_code == 422
    assert (await charge(backends, body.replace(b"2350", b"100001"))).status_code == 402
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><charge><method>&a;</method></charge>'
    for bad in (b"", b"<charge/>", b"<charge><method>13</method></charge>", bomb, body.replace(b"13", b"999999")):
        assert (await charge(backends, bad)).status_code == 422
