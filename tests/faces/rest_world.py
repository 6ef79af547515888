"""Screens with every kind of input, type and failure, and two gateways over them: one dispatched, one through FastAPI."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NewType
from urllib.parse import unquote
from uuid import UUID

import strawberry
from annotated_types import Len
from pydantic import Field, StringConstraints
from starlette.requests import Request as HttpRequest
from starlette.types import ASGIApp, Message

from bff import App, Client, Int64, Screen, field, needs, section
from bff.caller import Caller
from bff.composition.build import plan_of
from bff.composition.engine import ClientOf
from bff.errors import (
    BackendBusy,
    BackendInvalid,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    Forbidden,
    Missing,
)
from bff.faces.answer import Answer
from bff.faces.rest import fastapi_app
from bff.faces.screen import Raw, ServedScreen
from bff.gateway.accept import refuse_unless_json
from bff.gateway.match import Routes
from bff.gateway.request import Endpoint, Request
from bff.gateway.screen_endpoint import ScreenEndpoint, raw_of
from bff.gateway.stack import Stack
from bff.observe.logs import AccessLog
from bff.settings import LimitSettings
from bff.upstream.scope import RequestScope
from tests.identity.tokens import JWKS, Documents, Time, claims, key_set, signer, verifier

Sku = NewType("Sku", str)


class Tier(Enum):
    """How much they buy."""

    GOLD = "gold"
    GREY = "grey"


class Sort(Enum):
    PRICE = "price"
    NAME = "name"


@strawberry.type
class Badge:
    """Who is looking."""

    name: str
    tier: Tier


@strawberry.type
class Line:
    order_id: str
    total: Int64
    placed: datetime
    price: Decimal = strawberry.field(description="what one of them costs")
    rating: float | None = None


@strawberry.type
class Card:
    sku: Sku
    badge: Badge | None = None
    similar: list["Card"] = strawberry.field(default_factory=list)


@strawberry.type
class Home:
    """What one sees first. It greets."""

    viewer: Badge
    last_orders: list[Line]
    picks: list[Card]
    note: str | None
    title: str = "Home"


@strawberry.type
class Order:
    line: Line


@strawberry.type
class Found:
    """What was asked for, said back."""

    text: str

    day: date | None = None


class Users(Client, service="users"):
    async def badge(self, who: str) -> Badge:
        raise NotImplementedError


class Orders(Client, service="orders"):
    async def lines(self) -> list[Line]:
        raise NotImplementedError

    async def order(self, order_id: str) -> Line:
        raise NotImplementedError


class Catalog(Client, service="catalog"):
    async def picks(self, tier: Tier) -> list[Card]:
        raise NotImplementedError

    async def best(self) -> list[Card]:
        raise NotImplementedError


class Ratings(Client, service="ratings"):
    async def of(self, ids: list[str]) -> list[float | None]:
        raise NotImplementedError


class Search(Client, service="search"):
    async def find(self, asked: str) -> Found:
        raise NotImplementedError


@section(timeout=0.3)
async def viewer(users: Users, caller: Caller) -> Badge:
    """The caller as the shop knows them."""
    return await users.badge(caller.id or "guest")


@section()
async def tier(viewer: Badge = needs(viewer)) -> Tier:
    return viewer.tier


@section(timeout=0.4, fallback=list[Line])
async def last_orders(orders: Orders) -> list[Line]:
    return await orders.lines()


@section(timeout=0.5)
async def picks(catalog: Catalog, tier: Tier = needs(tier)) -> list[Card]:
    """What they may like,
    best first."""
    return await catalog.picks(tier)


@picks.fallback
async def bestsellers(catalog: Catalog) -> list[Card]:
    return await catalog.best()


@section(fallback=None, scopes=["notes:read"])
async def note(users: Users) -> str:
    return (await users.badge("note")).name


@field(Line, timeout=0.2)
async def rating(lines: list[Line], ratings: Ratings) -> list[float | None]:
    """Out of five."""
    return await ratings.of([line.order_id for line in lines])


@section()
async def line(orders: Orders, order_id: Annotated[str, Field(max_length=12, description="as the app shows it")]) -> Line:
    return await orders.order(order_id)


@section()
async def found(
    search: Search,
    text: Annotated[str, StringConstraints(min_length=1)],
    tags: Annotated[list[str], Len(max_length=3)] = [],  # noqa: B006 - read, never written
    sizes: Annotated[list[Annotated[int, Field(ge=1)]] | None, Len(max_length=2)] = None,
    page_size: Annotated[int, Field(ge=1, le=50)] = 10,
    sort: Sort = Sort.PRICE,
    exact: bool = False,
    since: datetime | None = None,
    day: date | None = None,
    near: UUID | None = None,
    ratio: float = 1.0,
) -> Found:
    asked = [text, tags, sizes, page_size, sort.name, exact, since, day, near, ratio]
    return await search.find(repr(asked))


@section()
async def staff_viewer(users: Users) -> Badge:
    return await users.badge("staff")


@strawberry.type
class Staff:
    viewer: Badge


@strawberry.type
class Results:
    found: Found


SHOP = App("shop", title="The shop")
SCREENS = (
    Screen(
        "/home",
        Home(viewer=needs(viewer), last_orders=needs(last_orders), picks=needs(picks), note=needs(note)),
        apps=(SHOP,),
        budget=0.8,
    ),
    Screen("/orders/{order_id}", Order(line=needs(line)), apps=(SHOP,), name="order", guests=True),
    Screen("/search", Results(found=needs(found)), apps=(SHOP,), guests=True),
    Screen("/staff", Staff(viewer=needs(staff_viewer)), apps=(SHOP,), scopes=["staff"]),
)

LINE = Line(order_id="7", total=Int64(9007199254740993), placed=datetime(2026, 11, 23, tzinfo=UTC), price=Decimal("1.50"))

# What the backend of orders does for an order of this name.
FAILURES: Mapping[str, BaseException] = {
    "late": BackendTimeout("orders", "slow"),
    "gone": BackendUnreachable("orders", "refused"),
    "teapot": BackendStatus("orders", 418),
    "down": BackendStatus("orders", 503, retry_after=2.4),
    "missing": Missing("orders"),
    "odd": BackendInvalid("orders", "no JSON"),
    "busy": BackendBusy("orders", retry_after=0.2),
    "secret": Forbidden(["orders:read"]),
    "bug": KeyError("a bug"),
}


@dataclass
class Fakes:
    """All backends: they answer, unless `broken` says how the service fails."""

    broken: Mapping[str, BaseException]

    def clients(self, scope: RequestScope) -> ClientOf:
        made: dict[type[Client], Client] = {
            Users: self._of(FakeUsers),
            Orders: self._of(FakeOrders),
            Catalog: self._of(FakeCatalog),
            Ratings: self._of(FakeRatings),
            Search: self._of(FakeSearch),
        }
        return made.__getitem__

    def _of(self, fake: "type[Fake]") -> Client:
        client = fake()
        client.error = self.broken.get(client.service)
        return client


class Fake(Client):
    error: BaseException | None = None

    def answer(self) -> None:
        if self.error is not None:
            raise self.error


class FakeUsers(Fake, Users):
    async def badge(self, who: str) -> Badge:
        self.answer()
        return Badge(name=who, tier=Tier.GOLD)


class FakeOrders(Fake, Orders):
    async def lines(self) -> list[Line]:
        self.answer()
        return [replace(LINE)]

    async def order(self, order_id: str) -> Line:
        self.answer()
        if order_id in FAILURES:
            raise FAILURES[order_id]
        return replace(LINE, order_id=order_id)


class FakeCatalog(Fake, Catalog):
    async def picks(self, tier: Tier) -> list[Card]:
        self.answer()
        return [Card(sku=Sku("a"), similar=[Card(sku=Sku("b"))])]

    async def best(self) -> list[Card]:
        return [Card(sku=Sku("best"))]


class FakeRatings(Fake, Ratings):
    async def of(self, ids: list[str]) -> list[float | None]:
        self.answer()
        return [4.5 for _ in ids]


class FakeSearch(Fake, Search):
    async def find(self, asked: str) -> Found:
        self.answer()
        return Found(text=asked)


def served(broken: Mapping[str, BaseException] | None = None, screens: Iterable[Screen] = SCREENS) -> list[ServedScreen]:
    fakes = Fakes(broken or {})
    return [ServedScreen(plan_of(screen, (rating,)), fakes.clients) for screen in screens]


class FastAPIEndpoint:
    """One screen behind its REST path, the long way: through FastAPI, to the same `serve`."""

    methods = ("GET", "HEAD")

    def __init__(self, app: App, screen: ServedScreen) -> None:
        self.app = app.name
        self.template = app.path(screen.screen.path)
        self.guests = screen.screen.guests
        self.scopes = screen.screen.scopes
        self._api = fastapi_app(app, [screen], raw_of=_raw, id_of=lambda http: _request(http).id)

    async def answer(self, request: Request) -> Answer:
        status, headers, body = await call(self._api, {**request.scope, "bff.request": request})
        own = [pair for pair in headers if pair[0] not in (b"content-type", b"content-length")]
        return Answer(status, body, dict(headers)[b"content-type"], own)


def _request(http: HttpRequest) -> Request:
    request = http.scope["bff.request"]
    assert isinstance(request, Request)
    return request


def _raw(http: HttpRequest) -> Raw:
    refuse_unless_json(_request(http))
    return raw_of(_request(http))


def stack(endpoint: "Callable[[App, ServedScreen], Endpoint]", broken: Mapping[str, BaseException] | None = None) -> Stack:
    """A gateway over all screens, whose identities are signed by tests/identity/tokens.py."""
    keys = verifier(Documents({JWKS: key_set(signer().jwk())}), Time())
    return Stack(Routes(endpoint(SHOP, one) for one in served(broken)), keys, LimitSettings(), AccessLog(None))


DISPATCHED: "Callable[[App, ServedScreen], Endpoint]" = ScreenEndpoint


def token(**changes: object) -> str:
    return signer().sign(claims(**changes))


Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


async def call(app: ASGIApp, scope: MutableMapping[str, Any]) -> Reply:
    """One request through an ASGI app, whole. The client stays connected."""
    sent: list[Message] = []

    async def receive() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # never done

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return start["status"], list(start["headers"]), b"".join(message.get("body", b"") for message in rest)


def request_scope(target: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An HTTP request as Granian hands it over."""
    path, _, query = target.partition("?")
    given = {"host": "shop.example", "x-request-id": "r-1", **(headers or {})}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
