"""Fakes of the demo's clients: every method answers well, unless its way is given.

A way is what one method does instead: an error is raised, a number is the seconds (by the clock) it takes to answer.
`FakeUsers(clock, profile=60, addresses=BackendTimeout("users"))`. `healthy()` gives one of each; put yours before it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from bff import BackendTimeout, Caller, Client, Json, Missing, batched
from bff.composition.field import Field
from bff.testing import ManualClock
from clients.delivery import Assigned, Assignment, Courier, Delivery, Progress
from clients.geocoder import Area, Geocoder, Place
from clients.inventory import Inventory
from clients.money import Money, Position, Wanted
from clients.notifications import Banner, Notification, Notifications
from clients.orders import Line, NewOrder, Order, OrderPage, Orders, Quote
from clients.payments import Method, Payments
from clients.restaurants import Category, Dish, Hours, Minutes, Promotion, Restaurant, RestaurantPage, Restaurants
from clients.reviews import NewReview, Rating, Review, Reviews
from clients.users import Address, User, Users
from composers import history, home, ratings, restaurant, restaurant_names

ADA = Caller("7", scopes=frozenset({"profile", "orders:read", "orders:write", "payments:read", "reviews:write"}))
FIELDS: tuple[Field, ...] = (
    ratings.card_rating,
    ratings.tile_rating,
    restaurant_names.name_on_line,
    restaurant_names.name_on_past_order,
    history.payment,
    home.eta_minutes,
    restaurant.left,
    restaurant.author,
)

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
CENTRE = Position(52.5, 13.4)
PRICE = Money(900, "EUR")

Way = float | Exception
Call = tuple[str, object]


class Ways(Client):
    """What the fakes have in common: they note every call, then go the way that the test gave it."""

    def __init__(self, clock: ManualClock | None = None, **ways: Way) -> None:
        super().__init__()
        self.clock = clock
        self.ways = ways
        self.calls: list[Call] = []

    async def go(self, method: str, asked: object) -> None:
        self.calls.append((method, asked))
        way = self.ways.get(method)
        if isinstance(way, Exception):
            raise way
        if way is not None:
            assert self.clock is not None, f"{method} takes {way} s: give the fake a clock"
            await self.clock.sleep(way)


class FakeUsers(Ways, Users):
    tier = "GOLD"
    favourite_keys: Sequence[str] = ("3", "1")

    async def profile(self, user_id: str) -> User:
        await self.go("profile", user_id)
        return user(user_id, self.tier)

    @batched(max_size=100)
    async def user(self, user_ids: list[str]) -> dict[str, User]:
        await self.go("user", user_ids)
        return {user_id: user(user_id) for user_id in user_ids}

    async def addresses(self, user_id: str) -> list[Address]:
        await self.go("addresses", user_id)
        return [Address("1", "HOME", "Adalbertstr. 1", "10999", "Kreuzberg", CENTRE, is_default=True)]

    async def favourite_ids(self, user_id: str) -> list[str]:
        await self.go("favourite_ids", user_id)
        return list(self.favourite_keys)


class FakeRestaurants(Ways, Restaurants):
    """Knows the restaurants 1 to 99; `cuisine` is that of all of them."""

    cuisine = "INDIAN"

    def some(self, first: int, limit: int) -> list[Restaurant]:
        return [a_restaurant(str(number), self.cuisine) for number in range(first, first + limit)]

    async def restaurant(self, restaurant_id: str) -> Restaurant:
        await self.go("restaurant", restaurant_id)
        return a_restaurant(restaurant_id, self.cuisine)

    @batched(max_size=100)
    async def known(self, restaurant_ids: list[str]) -> dict[str, Restaurant]:
        await self.go("known", restaurant_ids)
        return {key: a_restaurant(key, self.cuisine) for key in restaurant_ids if int(key) < 100}

    async def near(self, area: str, limit: int) -> list[Restaurant]:
        await self.go("near", area)
        return self.some(1, limit)

    async def popular(self, limit: int) -> list[Restaurant]:
        await self.go("popular", limit)
        return self.some(31, limit)

    async def recommended(self, tier: str, limit: int) -> list[Restaurant]:
        await self.go("recommended", tier)
        return self.some(61, limit)

    async def search(self, q: str, cuisine: list[str], limit: int, cursor: str | None) -> RestaurantPage:
        await self.go("search", (q, cuisine, limit, cursor))
        return RestaurantPage(self.some(1, limit), "more")

    async def menu(self, restaurant_id: str) -> list[Category]:
        await self.go("menu", restaurant_id)
        return [Category(title, title.title(), [a_dish(f"{title}-{n}") for n in range(2)]) for title in ("MAINS", "SIDES")]

    async def promotions(self, area: str, limit: int) -> list[Promotion]:
        await self.go("promotions", area)
        return [Promotion(str(n), restaurant_id, "Less", 20, "LESS", NOON) for n, restaurant_id in enumerate(("1", "100"))]

    async def cuisines(self) -> Json:
        await self.go("cuisines", None)
        return Json(b'{"items":[{"id":"INDIAN"}]}')


class FakeOrders(Ways, Orders):
    """User 7's orders; those of `other` are somebody else's. Order 2 came from a restaurant that is gone."""

    status = "ON_THE_WAY"
    other: Sequence[str] = ("666",)

    async def of(self, user_id: str, limit: int, cursor: str | None = None) -> OrderPage:
        await self.go("of", (user_id, limit, cursor))
        return OrderPage([self._order("1", "5"), self._order("2", "100")], None if cursor else "next")

    async def active(self, user_id: str) -> list[Order]:
        await self.go("active", user_id)
        return [self._order("1", "5")]

    async def order(self, order_id: str) -> Order:
        await self.go("order", order_id)
        return self._order(order_id, "5")

    async def lines(self, order_id: str) -> list[Line]:
        await self.go("lines", order_id)
        return [Line("Dal", 2, Money(450, "EUR"))]

    async def quote(self, restaurant_id: str, lines: list[Wanted]) -> Quote:
        await self.go("quote", (restaurant_id, lines))
        return Quote(PRICE, Money(199, "EUR"), PRICE)

    async def place(self, order: NewOrder, key: str) -> Order:
        await self.go("place", (order, key))
        return self._order("31", order.restaurant_id)

    async def cancel(self, order_id: str) -> Order:
        await self.go("cancel", order_id)
        return self._order(order_id, "5", "CANCELLED")

    async def give_up(self, key: str) -> None:
        await self.go("give_up", key)

    def _order(self, key: str, restaurant_id: str, status: str = "") -> Order:
        whose = "8" if key in self.other else "7"
        paid = (key, f"r{key}")
        return Order(key, whose, restaurant_id, status or self.status, NOON, PRICE, 1, "Adalbertstr. 1", *paid)


class FakeDelivery(Ways, Delivery):
    async def track(self, order_id: str) -> Progress:
        await self.go("track", order_id)
        return a_delivery(order_id)

    @batched(max_size=100)
    async def progress(self, order_ids: list[str]) -> dict[str, Progress]:
        await self.go("progress", order_ids)
        return {order_id: a_delivery(order_id) for order_id in order_ids}

    async def courier(self, courier_id: str) -> Courier:
        await self.go("courier", courier_id)
        return Courier(courier_id, "Grace", "+49 30 1", "bicycle", 4.9)

    async def assign(self, assignment: Assignment) -> Assigned:
        await self.go("assign", assignment)
        return Assigned(assignment.order_id, NOON, "ASSIGNED")


class FakeGeocoder(Ways, Geocoder):
    async def area(self, name: str) -> Area:
        await self.go("area", name)
        return Area(name, "10999", CENTRE, 2000)

    async def find(self, text: str) -> Place:
        await self.go("find", text)
        return Place(text, "Kreuzberg", CENTRE)


class FakeNotifications(Ways, Notifications):
    async def unread(self, user_id: str, limit: int) -> list[Notification]:
        await self.go("unread", user_id)
        return [Notification("1", "ORDER", "On its way", "Grace has your order", "/orders/1", NOON, is_read=False)]

    async def banners(self, audience: str) -> list[Banner]:
        await self.go("banners", audience)
        return [Banner("1", f"For {audience}", "", "/banner")]


class FakeReviews(Ways, Reviews):
    """Nobody has said anything of restaurant 2; ten people write all reviews."""

    @batched(max_size=100)
    async def rating(self, restaurant_ids: list[str]) -> dict[str, Rating]:
        await self.go("rating", restaurant_ids)
        return {key: Rating(key, 4.5, 10) for key in restaurant_ids if key != "2"}

    async def of(self, restaurant_id: str, limit: int) -> list[Review]:
        await self.go("of", (restaurant_id, limit))
        return [Review(str(number), str(number % 10), 5, "Good.", NOON) for number in range(limit)]

    async def write(self, review: NewReview, key: str) -> Review:
        await self.go("write", (review, key))
        return Review("1", review.user_id, review.rating, review.text, NOON)


class FakePayments(Ways, Payments):
    async def methods(self, user_id: str) -> list[Method]:
        await self.go("methods", user_id)
        return [Method("1", "CARD", "Visa", default=True, last4="4242")]

    @batched(max_size=100)
    async def status(self, order_ids: list[str]) -> dict[str, str]:
        await self.go("status", order_ids)
        return {order_id: "CAPTURED" for order_id in order_ids if order_id == "1"}

    async def charge(self, method_id: str, price: Money, key: str) -> str:
        await self.go("charge", (method_id, price, key))
        return "p1"

    async def refund(self, payment_id: str) -> None:
        await self.go("refund", payment_id)

    async def refund_key(self, key: str) -> None:
        await self.go("refund_key", key)


class FakeInventory(Ways, Inventory):
    @batched(max_size=100)
    async def available(self, dish_ids: list[str]) -> dict[str, int]:
        await self.go("available", dish_ids)
        return dict.fromkeys(dish_ids, 3)

    async def reserve(self, lines: list[Wanted], key: str) -> str:
        await self.go("reserve", (lines, key))
        return "r1"

    async def release(self, reservation_id: str) -> None:
        await self.go("release", reservation_id)

    async def release_key(self, key: str) -> None:
        await self.go("release_key", key)


FAKES: tuple[type[Ways], ...] = (
    FakeUsers,
    FakeRestaurants,
    FakeOrders,
    FakeDelivery,
    FakeGeocoder,
    FakeNotifications,
    FakeReviews,
    FakePayments,
    FakeInventory,
)


def healthy(*special: Ways) -> list[Ways]:
    """`special` and, for all that they do not stand for, fakes that answer well."""
    return [*special, *(fake() for fake in FAKES)]


def slow(service: str, method: str, clock: ManualClock) -> Ways:
    """A fake whose method does not answer within any budget."""
    return _of(service)(clock, **{method: 60.0})


def failing(service: str, method: str, error: Exception | None = None) -> Ways:
    """A fake whose method fails: by a timeout, unless told otherwise."""
    return _of(service)(None, **{method: error or BackendTimeout(service)})


def missing(service: str, method: str) -> Ways:
    return failing(service, method, Missing(service))


def _of(service: str) -> type[Ways]:
    return next(fake for fake in FAKES if fake.service == service)


def user(user_id: str, tier: str = "GOLD") -> User:
    return User(user_id, "Ada Lovelace", "ada@example.com", "+49 30 7", tier, NOON)


def a_restaurant(key: str, cuisine: str) -> Restaurant:
    return Restaurant(
        id=key,
        name=f"Restaurant {key}",
        cuisine=cuisine,
        area="Kreuzberg",
        position=CENTRE,
        delivery_fee=Money(199, "EUR"),
        delivery_minutes=Minutes(15, 30),
        hours=Hours("11:00", "23:00"),
        price_level=2,
        picture_url=f"/pictures/{key}.jpg",
    )


def a_dish(key: str) -> Dish:
    return Dish(key, f"Dish {key}", "Good.", Money(900, "EUR"), True, f"/pictures/{key}.jpg")


def a_delivery(order_id: str) -> Progress:
    return Progress(order_id, "UNDER_WAY", "4", 61, CENTRE)
