"""Payments, the service that speaks XML."""

import hashlib
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring  # builds only; parsing is defusedxml's

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backends.store import Row
from backends.web import Ask, Refused, Table, is_id, now
from bff.testing.stub import StubReply

TYPE = "application/xml"
DECLINED = 100_000  # minor units: a charge above this is declined, so that the demo has one that is


@dataclass(frozen=True, slots=True)
class Charge:
    method: int
    amount: int
    currency: str


def methods(ask: Ask) -> object:
    root = Element("methods")
    for row in ask.store.rows("SELECT * FROM methods WHERE user_id = ? ORDER BY id", ask.key("user")):
        one = SubElement(root, "method", id=str(row["id"]), default="true" if row["is_default"] else "false")
        for name in ("kind", "label", "last4", "expires"):
            if row[name]:
                SubElement(one, name).text = row[name]
    return xml(root)


def payments(ask: Ask) -> object:
    root = Element("payments")
    for row in ask.store.among("SELECT * FROM payments WHERE order_id IN (?) ORDER BY id", ask.keys("order")):
        root.append(shown(row))
    return xml(root)


def charge(ask: Ask) -> object:
    """Charge once: the same Idempotency-Key and body again give the same payment. 402 when it is declined."""
    wanted = parsed(ask.request.body)
    key = ask.request.headers.get("idempotency-key")
    digest = hashlib.sha256(ask.request.body).hexdigest()
    if key and (known := ask.store.one("SELECT * FROM once WHERE key = ?", f"payments {key}")):
        if known["digest"] != digest:
            raise Refused(422, "this Idempotency-Key was used for another charge")
        return xml(shown(payment(ask, known["made"])), 200)
    if not ask.store.one("SELECT 1 FROM methods WHERE id = ?", wanted.method):
        raise Refused(422, f"no method {wanted.method}")
    if wanted.amount > DECLINED:
        raise Refused(402, "declined")
    number = ask.store.write(
        "INSERT INTO payments (method_id, amount, currency, status, made_at) VALUES (?, ?, ?, 'CAPTURED', ?)",
        wanted.method, wanted.amount, wanted.currency, now(),
    )  # fmt: skip
    if key:
        ask.store.write("INSERT INTO once VALUES (?, ?, ?)", f"payments {key}", digest, number)
    return xml(shown(payment(ask, number)), 201)


def parsed(body: bytes) -> Charge:
    """`<charge><method>3</method><amount currency="EUR">2350</amount></charge>`; 422 for anything else."""
    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException) as error:
        raise Refused(422, f"not the XML of a charge: {error}") from error
    amount = root.find("amount")
    method, units = root.findtext("method") or "", "" if amount is None else (amount.text or "")
    if amount is None or not is_id(method) or not is_id(units):
        raise Refused(422, "a charge has a method and an amount in minor units")
    return Charge(int(method), int(units), amount.get("currency", "EUR"))


def payment(ask: Ask, number: int) -> Row:
    [row] = ask.store.rows("SELECT * FROM payments WHERE id = ?", number)
    return row


def shown(row: Row) -> Element:
    element = Element("payment", id=str(row["id"]))
    if row["order_id"] is not None:
        element.set("order", str(row["order_id"]))
    SubElement(element, "method").text = str(row["method_id"])
    SubElement(element, "amount", currency=row["currency"]).text = str(row["amount"])
    SubElement(element, "status").text = row["status"]
    SubElement(element, "created_at").text = row["made_at"]
    return element


def xml(root: Element, status: int = 200) -> StubReply:
    return StubReply(tostring(root, encoding="utf-8", xml_declaration=True), status, TYPE)


def refusal(refused: Refused) -> StubReply:
    """An error as this service says it."""
    root = Element("error")
    root.text = refused.text
    return xml(root, refused.status)


TABLE: Table = {"GET /methods": methods, "GET /payments": payments, "POST /charge": charge}
