"""The public API as type checkers must read it. Nothing here is run: mypy --strict and pyright both prove it."""

from dataclasses import dataclass
from typing import Annotated, assert_type

from annotated_types import Len

from bff import (
    ID,
    Action,
    App,
    BackendError,
    Batched,
    Caller,
    Client,
    Deadline,
    Field,
    Int64,
    Json,
    Once,
    Refused,
    Screen,
    Section,
    Steps,
    View,
    action,
    batched,
    field,
    needs,
    section,
)
from bff.testing import Done, ManualClock, Result, act, run


@dataclass
class Badge:
    name: str


@dataclass
class Card:
    sku: str
    rating: float | None = None


@dataclass
class Home:
    viewer: Badge
    picks: list[Card]
    note: str | None
    total: Int64 | None = None


class Catalog(Client, service="catalog"):
    async def picks(self, tier: str) -> list[Card]:
        return await self.get("/picks", list[Card], tier=tier)

    async def raw(self) -> Json:
        return await self.get("/raw", Json)

    async def order(self, card: Card) -> None:
        await self.post("/orders", type(None), card, idempotency_key="k")

    @batched(max_size=50)
    async def product(self, skus: list[str]) -> dict[str, Card]:
        return {card.sku: card for card in await self.get("/products", list[Card], sku=skus)}

    @batched()
    async def price(self, ids: list[int], currency: str, *, net: bool = False) -> dict[int, float]:
        return await self.get("/prices", dict[int, float], id=ids, currency=currency, net=net)


class FakeCatalog(Catalog):
    """A fake is a subclass with the same types."""

    async def picks(self, tier: str) -> list[Card]:
        return []

    @batched()
    async def product(self, skus: list[str]) -> dict[str, Card]:
        return {sku: Card(sku) for sku in skus}


@section(timeout=0.3)
async def viewer(catalog: Catalog, caller: Caller, deadline: Deadline) -> Badge:
    assert_type(caller.id, str | None)
    assert_type(deadline.left(), float)
    return Badge(caller.id or "")


@section()
async def tier(viewer: Badge = needs(viewer)) -> str:
    return viewer.name


@section(fallback=list[Card])
async def picks(catalog: Catalog, tier: str = needs(tier)) -> list[Card]:
    return await catalog.picks(tier)


@picks.fallback
async def bestsellers(catalog: Catalog) -> list[Card]:
    return []


@section(fallback=None)
async def note(catalog: Catalog, page_size: int = 10) -> str:
    return ""


@section(fallback=lambda: Badge("nobody"))
async def spare(catalog: Catalog) -> Badge:
    return Badge("")


@field(Card, timeout=0.2)
async def rating(cards: list[Card], catalog: Catalog) -> list[float | None]:
    return []


assert_type(needs(viewer), Badge)
assert_type(needs(tier), str)
assert_type(needs(picks), list[Card])
assert_type(needs(note), str | None)
assert_type(needs(spare), Badge)
assert_type(rating, Field)

mobile = App("mobile")
screen = Screen("/home", Home(viewer=needs(viewer), picks=needs(picks), note=needs(note)), apps=(mobile,), budget=0.8)


async def direct_calls(catalog: Catalog) -> None:
    assert_type(await viewer(FakeCatalog(), Caller("7"), Deadline.after(1)), Badge)
    assert_type(await picks(catalog, tier="gold"), list[Card])
    assert_type(await picks(catalog), list[Card])
    assert_type(await note(catalog, page_size=5), str | None)
    assert_type(await bestsellers(catalog), list[Card])


async def batches(catalog: Catalog) -> None:
    assert_type(await catalog.product("a"), Card)
    assert_type(await catalog.product.many(["a", "b"]), dict[str, Card])
    assert_type(await catalog.price(7, "EUR", net=True), float)
    assert_type(await catalog.price.many({7, 8}, currency="EUR"), dict[int, float])
    assert_type(Catalog.product, Batched[str, Card, []])


async def calls(catalog: Catalog) -> None:
    assert_type(await catalog.get("/x/{id}", list[Card], id=7, q=None), list[Card])
    assert_type(await catalog.post("/x", Card, Card("a")), Card)
    assert_type(await catalog.rpc("/p.S/M", Card, {}), Card)


async def tests() -> None:
    result = await run(screen, fakes=[FakeCatalog()], fields=[rating], clock=ManualClock(), inputs={"pageSize": "5"})
    assert_type(result, Result)


def takes_any_section(one: Section[..., Badge]) -> str:
    return one.name


takes_any_section(viewer)


def blame(error: BackendError) -> str:
    return f"{error.service}: {error.reason}"


# Actions.


class Line(View):
    dish_id: ID
    quantity: int = 1


class Placed(View):
    order_id: ID


@action("/orders", apps=(mobile,), scopes=["orders:write"], budget=4.0, idempotent=True, priority="critical", status=201)
async def place_order(
    items: Annotated[list[Line], Len(1, 30)], note: str = "", *, catalog: Catalog, caller: Caller, once: Once, steps: Steps
) -> Placed:
    assert_type(once.key("order"), str)
    card = await steps.do("look", catalog.product("a"))
    assert_type(card, Card)
    assert_type(await steps.do("order", catalog.order(card), undo=lambda done: catalog.raw()), None)
    assert_type(await steps.do("again", catalog.product("a"), undo=undo_card), Card)
    if not items:
        raise Refused("is empty", name="items")
    raise Refused("is not paid", kind="payment-required")


async def undo_card(card: Card | None) -> None:
    assert_type(card, Card | None)


async def actions(catalog: Catalog) -> None:
    placed = await place_order([Line(ID("a"))], catalog=catalog, caller=Caller("7"), once=Once("k"), steps=Steps())
    assert_type(placed, Placed)
    assert_type(await act(place_order, fakes=[catalog], inputs={"items": []}, key="k"), Done)


def takes_any_action(one: Action[..., Placed]) -> str:
    return one.name


takes_any_action(place_order)
