"""An app whose screens have every kind of input, type and fallback."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, NewType
from uuid import UUID

import strawberry
from annotated_types import Len
from pydantic import Field, StringConstraints

from bff import App, Client, Int64, Json, Screen, field, needs, section
from bff.caller import Caller

Sku = NewType("Sku", str)


class Tier(Enum):
    """How much they buy."""

    GOLD = "GOLD"
    GREY = "GREY"


class Sort(Enum):
    PRICE = "PRICE"
    NAME = "NAME"


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
    raw: Json

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
