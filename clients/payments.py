"""Payments: the service that speaks XML."""

import msgspec

from bff import Client, batched
from bff.upstream.codecs.xml import XmlCodec
from clients.money import Money


class Method(msgspec.Struct):
    id: str
    kind: str
    label: str
    default: bool = False
    last4: str = ""


class _Methods(msgspec.Struct):
    method: list[Method] = []


class _Payment(msgspec.Struct):
    order: str
    status: str


class _Payments(msgspec.Struct):
    payment: list[_Payment] = []


class Amount(msgspec.Struct):
    units: int = msgspec.field(name="#text")
    currency: str = msgspec.field(name="@currency")


class Charge(msgspec.Struct):  # the class names the root element
    method: str
    amount: Amount


class Refund(msgspec.Struct):
    payment: str | None = None
    key: str | None = None


class _Charged(msgspec.Struct):
    id: str


class _Refunded(msgspec.Struct):
    payment: str = ""  # nothing was charged


class Payments(Client, service="payments", codec=XmlCodec()):
    """How somebody pays, whether an order is paid, and paying."""

    async def methods(self, user_id: str) -> list[Method]:
        return (await self.get("/methods", _Methods, user=user_id)).method

    @batched(max_size=100)  # the service's own limit
    async def status(self, order_ids: list[str]) -> dict[str, str]:
        found = await self.get("/payments", _Payments, order=order_ids)
        return {payment.order: payment.status for payment in found.payment}

    async def charge(self, method_id: str, price: Money, key: str) -> str:
        """The id of the payment. BackendStatus 402 when it is declined."""
        body = Charge(method_id, Amount(price.amount, price.currency))
        return (await self.post("/charge", _Charged, body, idempotency_key=key)).id

    async def refund(self, payment_id: str) -> None:
        """Give a payment back; again is the same."""
        await self.post("/refund", _Refunded, Refund(payment=payment_id), idempotency_key=payment_id)

    async def refund_key(self, key: str) -> None:
        """Give back whatever was charged under `key`; a charge that is still on its way with it charges nothing."""
        await self.post("/refund", _Refunded, Refund(key=key), idempotency_key=key)
