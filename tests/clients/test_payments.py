"""The payments client, against a scripted backend that speaks XML."""

import pytest

from bff import BackendInvalid
from bff.testing import StubReply, StubService, client_of
from clients.payments import Method, Payments
from tests.clients.asking import asked

METHODS = """<?xml version="1.0" encoding="utf-8"?>
<methods>
  <method id="1" default="true"><kind>CARD</kind><label>Visa</label><last4>4242</last4><expires>2028-01</expires></method>
  <method id="2" default="false"><kind>PAYPAL</kind><label>ada@example.com</label></method>
</methods>"""
PAYMENTS = """<payments>
  <payment id="9" order="1"><method>1</method><amount currency="EUR">900</amount><status>CAPTURED</status></payment>
</payments>"""


def xml(text: str) -> StubReply:
    return StubReply(text.encode(), content_type="application/xml")


async def test_methods_of_payment_and_a_card_has_its_last_digits() -> None:
    async with StubService({"/methods": xml(METHODS)}) as stub, client_of(Payments, stub) as payments:
        assert await payments.methods("7") == [
            Method("1", "CARD", "Visa", default=True, last4="4242"),
            Method("2", "PAYPAL", "ada@example.com", default=False),
        ]
        assert asked(stub) == [("/methods", {"user": ["7"]})]


@pytest.mark.parametrize("text", ["<methods/>", "<methods></methods>"])
async def test_no_methods_are_an_empty_list(text: str) -> None:
    async with StubService({"/methods": xml(text)}) as stub, client_of(Payments, stub) as payments:
        assert await payments.methods("7") == []


async def test_whether_many_orders_are_paid_is_one_call() -> None:
    async with StubService({"/payments": xml(PAYMENTS)}) as stub, client_of(Payments, stub) as payments:
        assert await payments.status.many(["1", "2"]) == {"1": "CAPTURED"}
        assert asked(stub) == [("/payments", {"order": ["1", "2"]})]


async def test_a_wrong_shape_names_the_field() -> None:
    answers = {
        "/methods": xml('<methods><method id="1"><kind>CARD</kind></method></methods>'),
        "/payments": xml("<payments><payment"),
    }
    async with StubService(answers) as stub, client_of(Payments, stub) as payments:
        with pytest.raises(BackendInvalid, match="label"):
            await payments.methods("7")
        with pytest.raises(BackendInvalid, match="unclosed token"):
            await payments.status("1")
