"""What clients write, and what they read of the answer: the part of the Pacts that orders, payments and ratings stand on."""

from msgspec.structs import replace
from pact import match, xml

from clients.geocoder import Geocoder, Place
from clients.inventory import Inventory
from clients.money import Money, Wanted
from clients.orders import NewOrder, Orders, Quote
from clients.payments import Payments
from clients.reviews import NewReview, Reviews
from contract_tests.case import Case
from contract_tests.examples import HERE, NOBODY, PRICE
from contract_tests.expected import ORDER, REVIEW

WANTED = [Wanted("1", 2)]
LINES = [{"dish_id": "1", "quantity": 2}]
NEW = NewOrder("7", "1", WANTED, "Torstr. 1", "Ring twice", "90001", "90001")
BODY = {
    "user_id": "7",
    "restaurant_id": "1",
    "lines": LINES,
    "address": "Torstr. 1",
    "instructions": "Ring twice",
    "payment_id": "90001",
    "reservation_id": "90001",
}
PLACED = replace(ORDER, payment_id="90001", reservation_id="90001")
OPINION = NewReview("255", "7", 5, "Good.", "29737")

PLACES: list[Case[Geocoder]] = [
    Case(
        "where an address is",
        lambda it: it.find("Torstr. 1, 10115 Mitte"),
        "/geocode",
        Place("Torstr. 1, 10115 Mitte", "Mitte", HERE),
        [("text", "Torstr. 1, 10115 Mitte")],
        "area Mitte",
    ),
    Case("an address that is none", lambda it: it.find("Atlantis"), "/geocode", query=[("text", "Atlantis")], status=404),
]

ORDERING: list[Case[Orders]] = [
    Case(
        "what a basket would cost",
        lambda orders: orders.quote("1", WANTED),
        "/orders/quote",
        Quote(PRICE, PRICE, PRICE),
        given="dish 1 of restaurant 1",
        method="POST",
        body={"restaurant_id": "1", "lines": LINES},
    ),
    Case(
        "a basket of a restaurant that is none",
        lambda orders: orders.quote(NOBODY, WANTED),
        "/orders/quote",
        status=404,
        method="POST",
        body={"restaurant_id": NOBODY, "lines": LINES},
    ),
    Case(
        "an order to place",
        lambda orders: orders.place(NEW, "k-order"),
        "/orders",
        PLACED,
        given="payment 90001, which has paid nothing yet, and reservation 90001",
        status=201,
        method="POST",
        body=BODY,
        key="k-order",
    ),
    Case(
        "an order that costs something else than was paid",
        lambda orders: orders.place(replace(NEW, payment_id="90002"), "k-dear"),
        "/orders",
        {"costs": PRICE},
        given="payment 90002 of less than dish 1 costs",
        status=409,
        method="POST",
        body=BODY | {"payment_id": "90002"},
        key="k-dear",
    ),
    Case(
        "an order to cancel",
        lambda orders: orders.cancel("90001"),
        "/orders/90001/cancel",
        PLACED,
        given="order 90001 can be cancelled",
        method="POST",
        key="90001",
    ),
    Case(
        "an order given up, placed or not",
        lambda orders: orders.give_up("k-late"),
        "/orders/give-up",
        {},
        method="POST",
        body={"key": "k-late"},
        key="k-late",
    ),
]

RESERVING: list[Case[Inventory]] = [
    Case(
        "dishes to reserve",
        lambda inventory: inventory.reserve(WANTED, "k-stock"),
        "/reserve",
        {"reservation_id": "1"},
        given="stock of dish 1",
        status=201,
        method="POST",
        body={"lines": LINES},
        key="k-stock",
    ),
    Case(
        "more of a dish than is left",
        lambda inventory: inventory.reserve([Wanted("83", 1)], "k-short"),
        "/reserve",
        {"dish_ids": ["83"]},
        given="nothing is left of dish 83",
        status=409,
        method="POST",
        body={"lines": [{"dish_id": "83", "quantity": 1}]},
        key="k-short",
    ),
    Case(
        "a reservation to release",
        lambda inventory: inventory.release("90001"),
        "/release",
        {"reservation_id": "90001"},
        given="reservation 90001",
        method="POST",
        body={"reservation_id": "90001"},
        key="90001",
    ),
    Case(
        "a reservation given up, made or not",
        lambda inventory: inventory.release_key("k-late"),
        "/release",
        {},
        method="POST",
        body={"key": "k-late"},
        key="k-late",
    ),
]


def charge(method: str, amount: str) -> xml.XmlElement:
    return xml.element(
        "charge", xml.element("method", method), xml.element("amount", amount, attrs={"currency": PRICE.currency})
    )


PAYING: list[Case[Payments]] = [
    Case(
        "a charge",
        lambda payments: payments.charge("13", PRICE, "k-charge"),
        "/charge",
        xml.element("payment", attrs={"id": match.regex("1", regex=r"^\d+$")}),
        given="method 13 of user 7",
        status=201,
        method="POST",
        body=charge("13", "1250"),
        key="k-charge",
    ),
    Case(
        "a charge that is declined",
        lambda payments: payments.charge("13", Money(100_001, PRICE.currency), "k-declined"),
        "/charge",
        given="method 13 of user 7",
        status=402,
        method="POST",
        body=charge("13", "100001"),
        key="k-declined",
    ),
    Case(
        "a payment to give back",
        lambda payments: payments.refund("1"),
        "/refund",
        xml.element("refund", attrs={"payment": match.regex("1", regex=r"^\d+$")}),
        given="payment 1",
        method="POST",
        body=xml.element("refund", xml.element("payment", "1")),
        key="1",
    ),
    Case(
        "a charge given up, made or not",
        lambda payments: payments.refund_key("k-late"),
        "/refund",
        xml.element("refund"),
        method="POST",
        body=xml.element("refund", xml.element("key", "k-late")),
        key="k-late",
    ),
]

REVIEWING: list[Case[Reviews]] = [
    Case(
        "a review",
        lambda reviews: reviews.write(OPINION, "k-review"),
        "/reviews",
        REVIEW,
        given="order 29737 of user 7 at restaurant 255 is delivered",
        status=201,
        method="POST",
        body={"restaurant_id": "255", "user_id": "7", "rating": 5, "text": "Good.", "order_id": "29737"},
        key="k-review",
    ),
]
