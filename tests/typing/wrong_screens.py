"""Wrong uses of sections and templates, one a line: each must be refused by mypy --strict and by pyright."""

from dataclasses import dataclass

from bff import App, Caller, Client, Screen, field, needs, section


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
    note: str


class Catalog(Client, service="catalog"):
    async def picks(self, tier: str) -> list[Card]:
        return await self.get("/picks", list[Card], tier=tier)


class Users(Client, service="users"): ...


@section()
async def viewer(catalog: Catalog, caller: Caller) -> Badge:
    return Badge("")


@section()
async def number() -> int:
    return 7


@section(fallback=list[Card])
async def picks(catalog: Catalog, tier: str, viewer: Badge = needs(viewer)) -> list[Card]:
    return []


@section(fallback=None)
async def note() -> str:
    return ""


# edges


@section()
async def wrong_edge(viewer: str = needs(viewer)) -> str:  # refused: the section gives a Badge
    return viewer


@section()
async def null_edge(note: str = needs(note)) -> str:  # refused: the section has fallback=None
    return note


@section()
async def not_a_section(value: str = needs("viewer")) -> str:  # refused: needs takes a section, not its name
    return value


# templates

missing = Home(viewer=needs(viewer), picks=needs(picks))  # refused: `note` is missing
swapped = Home(viewer=needs(picks), picks=needs(picks), note="")  # refused: the wrong section in `viewer`
wrong_number = Home(viewer=needs(viewer), picks=needs(picks), note=needs(number))  # refused: an int in a str
nullable = Home(viewer=needs(viewer), picks=needs(picks), note=needs(note))  # refused: may be null
unknown = Home(viewer=needs(viewer), picks=needs(picks), note="", more=1)  # refused: no such attribute
Screen("/x", Home(needs(viewer), needs(picks), ""))  # refused: no apps
Screen("/x", Home(needs(viewer), needs(picks), ""), apps=("mobile",))  # refused: an app is no text
Screen("/x", Home(needs(viewer), needs(picks), ""), apps=(App("m"),), budget="1")  # refused: seconds are a number

# fallbacks


@section(fallback=list[str])  # refused: another type than the section's
async def wrong_constant(catalog: Catalog) -> list[Card]:
    return []


@section(fallback=lambda: None)  # refused: None is `fallback=None`
async def hidden_none(catalog: Catalog) -> str:
    return ""


@section(fallback="text")  # refused: a factory, not a value
async def not_a_factory(catalog: Catalog) -> str:
    return ""


@picks.fallback  # refused: another type than the section's
async def wrong_fallback(catalog: Catalog) -> list[str]:
    return []


@section(timeout="0.3")  # refused: seconds are a number
async def wrong_timeout(catalog: Catalog) -> str:
    return ""


@section()  # refused: not async
def not_async(catalog: Catalog) -> str:
    return ""


# direct calls, as unit tests make them


async def calls(catalog: Catalog) -> None:
    await picks(catalog)  # refused: `tier` is missing
    await picks(catalog, 7)  # refused: `tier` is a text
    await picks(Users(), "gold")  # refused: another client
    await picks(catalog, "gold", viewer="Ada")  # refused: the need is a Badge
    await picks(catalog, "gold", nope=1)  # refused: no such parameter
    await viewer(catalog)  # refused: the caller is missing
    name: int = await viewer(catalog, Caller())  # refused: gives a Badge
    assert name


# item fields


@field(Card, timeout="1")  # refused: seconds are a number
async def wrong_field_timeout(cards: list[Card]) -> list[float]:
    return []


@field("Card")  # refused: a class, not its name
async def wrong_item(cards: list[Card]) -> list[float]:
    return []


@field(Card)  # refused: a field gives a list
async def one_value(cards: list[Card]) -> float:
    return 1.0


@field(Card)  # refused: not async
def rating(cards: list[Card]) -> list[float]:
    return []
