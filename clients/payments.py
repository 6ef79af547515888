"""Payments: the service that speaks XML."""

import msgspec

from bff import Client, batched
from bff.upstream.codecs.xml import XmlCodec


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


class Payments(Client, service="payments", codec=XmlCodec()):
    """How somebody pays, and whether an order is paid."""

    async def methods(self, user_id: str) -> list[Method]:
        return (await self.get("/methods", _Methods, user=user_id)).method

    @batched(max_size=100)  # the service's own limit
    async def status(self, order_ids: list[str]) -> dict[str, str]:
        found = await self.get("/payments", _Payments, order=order_ids)
        return {payment.order: payment.status for payment in found.payment}
