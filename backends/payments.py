"""Payments, the service that speaks XML."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring  # builds only; parsing is defusedxml's

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backends.once import Once
from backends.store import Row
from backends.web import Ask, Refused, Table, is_id, now
from bff.testing.stub import StubReply

TYPE = "application/xml"
ONCE = Once("charge")
DECLINED = 100_000  # minor units: a charge above this is declined, so that the demo has one that is


@dataclass(frozen=True, slots=True)
class Charge:
    method: int
    amount: int
    currency: str


def methods(ask: Ask) -> object:
    root, user = Element("methods"), ask.key("user")
    ask.only(str(user))
    for row in ask.store.rows("SELECT * FROM methods WHERE user_id = ? ORDER BY id", user):
        one = SubElement(root, "method", id=str(row["id"]), default="true" if row["is_default"] else "false")
        for name in ("kind", "label", "last4", "expires"):
            if row[name]:
                SubElement(one, name).text = row[name]
    return xml(root)


def payments(ask: Ask) -> object:
    root = Element("payments")
    for row in ask.store.among("SELECT * FROM payments WHERE order_id IN (?) ORDER BY id", ask.keys("order")):
        if ask.may(owner(ask, row["method_id"]) or ""):
            root.append(shown(row))
    return xml(root)


def charge(ask: Ask) -> object:
    """Charge once: the same Idempotency-Key and body again give the same payment. 402 when it is declined."""
    wanted = parsed(ask.request.body)
    user = owner(ask, wanted.method)
    if user is None or not ask.may(user):
        raise Refused(422, f"no method {wanted.method}")
    if (known := ONCE.earlier(ask)) is not None:
        return xml(shown(payment(ask, known)), 200)
    if wanted.amount > DECLINED:
        raise Refused(402, "declined")
    number = ask.store.write(
        "INSERT INTO payments (method_id, amount, currency, status, made_at) VALUES (?, ?, ?, 'CAPTURED', ?)",
        wanted.method, wanted.amount, wanted.currency, now(),
    )  # fmt: skip
    ONCE.made(ask, number)
    return xml(shown(payment(ask, number)), 201)


def refund(ask: Ask) -> object:
    """Give back a payment, or whatever was charged under a key, which then charges nothing more. Once, however often asked.

    `<refund><payment>9</payment></refund>` (404 if it is none) or `<refund><key>...</key></refund>`, which may have charged
    nothing: then the answer has no payment.
    """
    root = document(ask.request.body)
    number, key = root.findtext("payment") or "", root.findtext("key") or ""
    if number:
        if not ask.exists("payments", number):
            raise Refused(404, f"no payment {number}")
        return given_back(ask, int(number))
    if not key:
        raise Refused(422, "a refund has a payment or a key")
    charged = ONCE.of(ask, key)
    answer = given_back(ask, charged) if charged is not None else xml(Element("refund"))
    ONCE.give_up(ask, key)
    return answer


def given_back(ask: Ask, number: int) -> StubReply:
    user = owner(ask, payment(ask, number)["method_id"])
    ask.only(user or "", f"payment {number}")
    ask.store.write("UPDATE payments SET status = 'REFUNDED' WHERE id = ?", number)
    return xml(Element("refund", payment=str(number)))


def owner(ask: Ask, method: int) -> str | None:
    """Whose a method is; None: there is no such method."""
    row = ask.store.one("SELECT user_id FROM methods WHERE id = ?", method)
    return None if row is None else str(row["user_id"])


def document(body: bytes) -> Element:
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException) as error:
        raise Refused(422, f"not XML: {error}") from error
    return root


def parsed(body: bytes) -> Charge:
    """`<charge><method>3</method><amount currency="EUR">2350</amount></charge>`; 422 for anything else."""
    root = document(body)
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


TABLE: Table = {"GET /methods": methods, "GET /payments": payments, "POST /charge": charge, "POST /refund": refund}
