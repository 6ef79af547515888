"""What each HTTP client asks of its service and reads in the answer: the source of the Pacts in pacts/.

One `Case` a request: how the client makes it, what is then on the wire, and an example of what the client reads of the
answer. The values are examples; their types are the contract (matching.py).
"""

from pact import match, xml

from clients.geocoder import Area, Geocoder
from clients.inventory import Inventory
from clients.notifications import Banner, Notification, Notifications
from clients.orders import Line, Order, Orders
from clients.payments import Payments
from clients.reviews import Rating, Review, Reviews
from clients.users import Address, User, Users
from contract_tests.case import Case, Expected
from contract_tests.examples import AT, HERE, NOBODY, PRICE

ADA = User("7", "Ada", "ada@thali.example", "+49 30 1", "GOLD", AT)
HOME = Address("1", "HOME", "Torstr. 1", "10119", "Mitte", HERE, True)
ORDER = Order("1", "7", "5", "DELIVERED", AT, PRICE, 2, "Torstr. 1")
NOTE = Notification("1", "ORDER", "On its way", "Grace has it", "/orders/1", AT, False)
REVIEW = Review("1", "7", 5, "Good.", AT)
PAID = xml.element("payment", xml.element("status", match.str("CAPTURED")), attrs={"order": match.regex("1", regex=r"^\d+$")})
METHOD = xml.element(
    "method",
    xml.element("kind", match.str("CARD")),
    xml.element("label", match.str("Visa")),
    attrs={"id": match.str("3"), "default": match.regex("true", regex="^(true|false)$")},
)

USERS = Expected(
    Users,
    [
        Case("somebody's profile", lambda users: users.profile("7"), "/users/7", ADA, given="user 7"),
        Case("the profile of nobody", lambda users: users.profile(NOBODY), f"/users/{NOBODY}", status=404),
        Case(
            "many users at once",
            lambda users: users.user.many(["7", "8"]),
            "/users",
            [ADA],
            [("id", "7"), ("id", "8")],
            "user 7",
        ),
        Case(
            "somebody's addresses",
            lambda users: users.addresses("7"),
            "/users/7/addresses",
            {"items": [HOME]},
            given="user 7 has an address",
        ),
        Case(
            "somebody's favourites",
            lambda users: users.favourite_ids("7"),
            "/users/7/favourites",
            {"items": [{"restaurant_id": "5"}]},
            given="user 7 has a favourite",
        ),
    ],
)

ORDERS = Expected(
    Orders,
    [
        Case(
            "somebody's orders, with more to come",
            lambda orders: orders.of("7", 1),
            "/orders",
            {"items": [ORDER], "next": "azE"},
            [("user", "7"), ("limit", "1")],
            "user 7 has two orders",
        ),
        Case(
            "somebody's orders under way",
            lambda orders: orders.active("7"),
            "/orders/active",
            {"items": [ORDER]},
            [("user", "7")],
            "user 7 has an order under way",
        ),
        Case("an order", lambda orders: orders.order("1"), "/orders/1", ORDER, given="order 1"),
        Case("an order that is none", lambda orders: orders.order(NOBODY), f"/orders/{NOBODY}", status=404),
        Case(
            "the lines of an order",
            lambda orders: orders.lines("1"),
            "/orders/1/lines",
            {"items": [Line("Dal", 2, PRICE)]},
            given="order 1",
        ),
    ],
)

INVENTORY = Expected(
    Inventory,
    [
        Case(
            "what is left of many dishes",
            lambda inventory: inventory.available.many(["1", "2"]),
            "/stock",
            [{"dish_id": "1", "available": 3}],
            [("dish", "1"), ("dish", "2")],
            "stock of dish 1",
        ),
    ],
)

PAYMENTS = Expected(
    Payments,
    [
        Case(
            "how somebody pays",
            lambda payments: payments.methods("7"),
            "/methods",
            xml.element("methods", METHOD.each(min=1)),
            [("user", "7")],
            "user 7 has a method",
        ),
        Case(
            "whether orders are paid",
            lambda payments: payments.status.many(["1", "2"]),
            "/payments",
            xml.element("payments", PAID.each(min=1)),
            [("order", "1"), ("order", "2")],
            "order 1 is paid",
        ),
    ],
)

GEOCODER = Expected(
    Geocoder,
    [
        Case("an area", lambda it: it.area("Mitte"), "/areas/Mitte", Area("Mitte", "10115", HERE, 2000), given="area Mitte"),
        Case("an area that is none", lambda it: it.area("Atlantis"), "/areas/Atlantis", status=404),
    ],
)

REVIEWS = Expected(
    Reviews,
    [
        Case(
            "ratings of many restaurants",
            lambda reviews: reviews.rating.many(["5", "6"]),
            "/ratings",
            [Rating("5", 4.5, 10)],
            [("restaurant", "5"), ("restaurant", "6")],
            "restaurant 5 is rated",
        ),
        Case(
            "the newest reviews of a restaurant",
            lambda reviews: reviews.of("5", 3),
            "/reviews",
            {"items": [REVIEW]},
            [("restaurant", "5"), ("limit", "3")],
            "restaurant 5 is reviewed",
        ),
    ],
)

NOTIFICATIONS = Expected(
    Notifications,
    [
        Case(
            "what somebody has not read",
            lambda notifications: notifications.unread("7", 3),
            "/notifications",
            {"items": [NOTE]},
            [("user", "7"), ("unread", "true"), ("limit", "3")],
            "user 7 has something unread",
        ),
        Case(
            "the banners of an audience",
            lambda notifications: notifications.banners("GOLD"),
            "/banners",
            {"items": [Banner("1", "For you", "A cake", "/cake")]},
            [("audience", "GOLD")],
            "a banner for GOLD",
        ),
    ],
)
