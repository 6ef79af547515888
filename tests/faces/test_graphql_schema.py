"""One schema an app: what it says, that its names are REST's, and what it refuses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, NewType
from uuid import UUID

import pytest
import strawberry
from annotated_types import Ge, Le, Len
from pydantic import Field
from strawberry.schema.name_converter import NameConverter

from bff import App, Int64, Json, Refusal, Screen, field, needs, section
from bff.faces.graphql import build_schema
from bff.naming import camel
from tests.faces.graphql_kit import APP, Words, ask, page, schema, served

Sku = NewType("Sku", str)


class Tier(Enum):
    GOLD = "GOLD"
    PLAIN = "PLAIN"


@strawberry.type
class Product:
    """One product
    as a card."""

    sku: Sku
    big_number: Int64
    tier: Tier
    seen_at: datetime
    backend_json: Json | None = None
    star_rating: float | None = None


@strawberry.type
class Search:
    """What was found."""

    best_match: Product | None
    found: list[Product]


@section(fallback=None)
async def best_match(
    text: Annotated[str, Len(min_length=1)],
    limit_to: Annotated[int, Ge(1), Le(100)] = 20,
    tier: Tier = Tier.GOLD,
    since: date = date(2020, 1, 31),
    until: datetime | None = None,
) -> Product | None:
    """The one that fits best."""
    return None


@section()
async def found(
    tags: Annotated[list[str], Field(max_length=3)], ids: Annotated[list[UUID] | None, Len(max_length=2)], deep: bool = False
) -> list[Product]:
    return []


@field(Product)
async def star_rating(products: list[Product], words: Words) -> list[float]:
    """What customers say."""
    return [5.0 for _ in products]


SEARCH = Screen("/search", Search(best_match=needs(best_match), found=needs(found)), apps=(APP,), guests=True)

SDL = '''\
"""A day: 2026-01-31."""
scalar Date

"""A moment, RFC 3339, in UTC: 2026-01-31T12:00:00Z."""
scalar DateTime

"""
A whole number of up to 64 bits, as a string: JavaScript rounds numbers above 2^53.
"""
scalar Int64

"""A backend's JSON as it is."""
scalar JSON

"""
One product
as a card.
"""
type Product {
  sku: String!
  bigNumber: Int64!
  tier: Tier!
  seenAt: DateTime!
  backendJson: JSON

  """What customers say."""
  starRating: Float
}

type Query {
  """What was found."""
  search(text: String!, limitTo: Int! = 20, tier: Tier! = GOLD, since: Date! = "2020-01-31", until: DateTime = null, tags: [String!]!, ids: [UUID!] = null, deep: Boolean! = false): Search
}

"""What was found."""
type Search {
  """The one that fits best."""
  bestMatch: Product
  found: [Product!]!
}

enum Tier {
  GOLD
  PLAIN
}

"""A UUID: 8-4-4-4-12 hexadecimal digits."""
scalar UUID'''  # noqa: E501 - an SDL line cannot be broken


def test_the_schema_says_what_rest_says() -> None:
    assert schema(served(SEARCH, fields=[star_rating])).sdl() == SDL


def test_building_one_schema_leaves_the_types_as_they_were_for_the_next() -> None:
    first = schema(served(SEARCH, fields=[star_rating]))
    assert build_schema(App("web"), [served(SEARCH, fields=[star_rating])]).sdl() == first.sdl()


def test_an_app_without_screens_has_a_schema() -> None:
    assert "noScreen: Boolean" in schema().sdl()


@pytest.mark.parametrize("name", ["a", "last_orders", "a_b_c", "x1_y2", "_private", "trailing_", "double__under"])
def test_our_naming_rule_is_strawberrys(name: str) -> None:
    assert camel(name) == NameConverter().apply_naming_config(name)


async def test_names_are_camel_in_rest_even_where_strawberry_would_differ() -> None:
    @strawberry.type
    class Odd:
        last_URL: str  # noqa: N815 - the odd name is the point

    @section()
    async def last() -> str:
        return "u"

    app = schema(served(Screen("/odd", Odd(last_URL=needs(last)), apps=(APP,), guests=True)))
    assert camel("last_URL") == "lastURL"
    assert (await ask(app, "{ odd { lastURL } }"))["data"] == {"odd": {"lastURL": "u"}}


# Inputs.


async def test_inputs_reach_the_section_as_their_types() -> None:
    given: list[object] = []

    @section()
    async def head(
        text: str,
        tier: Tier = Tier.PLAIN,
        at: datetime | None = None,
        tags: Annotated[list[str], Len(max_length=3)] = [],  # noqa: B006
    ) -> str:
        given.extend([text, tier, at, tags])
        return "head"

    app = schema(served(_page_of(head)))
    query = 'query ($t: Tier!) { page(text: "a", tier: $t, at: "2026-01-31T12:00:00Z", tags: "one") { head } }'
    answer = await ask(app, query, {"t": "GOLD"})
    assert "errors" not in answer
    assert given[:2] == ["a", Tier.GOLD]
    assert str(given[2]) == "2026-01-31 12:00:00+00:00"
    assert given[3] == ["one"]
    given.clear()
    assert "errors" not in await ask(app, '{ page(text: "b") { head } }')
    assert given == ["b", Tier.PLAIN, None, []]


async def test_an_input_that_breaks_its_constraint_is_the_same_problem_as_in_rest() -> None:
    ran: list[str] = []

    @section()
    async def head(limit: Annotated[int, Le(100)] = 1) -> str:
        ran.append("head")
        return "head"

    answer = await ask(schema(served(_page_of(head))), "{ page(limit: 1000000) { head } ok: page { head } }")
    assert answer["data"] == {"page": None, "ok": {"head": "head"}}
    (error,) = answer["errors"]
    assert error["path"] == ["page"]
    assert error["extensions"]["type"] == "/problems/bad-input"
    assert [fault["name"] for fault in error["extensions"]["errors"]] == ["limit"]
    assert ran == ["head"]


async def test_an_argument_of_the_wrong_type_is_the_clients_fault() -> None:
    app = schema(served(SEARCH, fields=[star_rating]))
    literal = await ask(app, "{ search(text: 5, tags: []) { found { sku } } }")
    variable = await ask(app, "query ($t: String!) { search(text: $t, tags: []) { found { sku } } }", {"t": 5})
    for answer in (literal, variable):
        assert "data" not in answer
        assert [error["extensions"]["type"] for error in answer["errors"]] == ["/problems/bad-request"]


# Refusals: each says where, and what to do.


@dataclass
class Plain:
    head: str


@strawberry.type
class Holder:
    inside: Plain


@strawberry.type
class Resolving:
    head: str = strawberry.field(resolver=lambda: "x")


@strawberry.type
class Nested:
    inside: Resolving


@strawberry.type
class Renamed:
    head: str = strawberry.field(name="title")


@strawberry.interface
class Interface:
    head: str


@strawberry.enum
class RenamedValue(Enum):
    ONE = strawberry.enum_value("one", name="UNO")


@strawberry.type
class WithEnum:
    head: RenamedValue


@strawberry.type(name="Int64")
class TakesAName:
    head: Int64


def _page_of(head: object, *, path: str = "/page", name: str | None = None) -> Screen:
    screen = page(path, name=name)
    screen.template.head = needs(head)  # type: ignore[attr-defined, arg-type]
    return screen


def _screen(template: type, attribute: str, returns: object) -> Screen:
    async def some() -> object: ...

    some.__annotations__["return"] = returns
    return Screen("/page", template(**{attribute: needs(section()(some))}), apps=(APP,))


@pytest.mark.parametrize(
    ("screens", "says"),
    [
        ([_screen(Plain, "head", str)], "Plain is a plain dataclass, which GraphQL cannot show; make it a View"),
        ([_screen(Holder, "inside", Plain)], "Plain is a plain dataclass, which GraphQL cannot show; make it a View"),
        ([_screen(Nested, "inside", Resolving)], "Resolving.head is a resolver"),
        ([_screen(Renamed, "head", str)], "Renamed.head is 'title' in GraphQL and 'head' in REST; take name= away"),
        ([_screen(Interface, "head", str)], "Interface is an interface; declare the one type"),
        ([_screen(WithEnum, "head", RenamedValue)], "RenamedValue has a value named 'UNO' in GraphQL only"),
        ([_screen(TakesAName, "head", Int64)], "no GraphQL schema can be made"),
        ([page("/2fa")], "its name '2fa' cannot be a GraphQL field; pass Screen(..., name='...')"),
        ([page("/x", name="__x")], "its name '__x' cannot be a GraphQL field"),
    ],
)
def test_what_graphql_cannot_show_as_rest_does_is_refused(screens: Sequence[Screen], says: str) -> None:
    with pytest.raises(Refusal) as refused:
        schema(*map(served, screens))
    (fault,) = refused.value.faults
    assert says in fault
    assert f"Screen('{screens[0].path}')" in fault


def test_two_types_of_one_name_are_refused() -> None:
    @strawberry.type
    class Product:
        head: str

    with pytest.raises(Refusal, match="would both be the GraphQL type 'Product'; rename one"):
        schema(served(SEARCH, fields=[star_rating]), served(_screen(Product, "head", str)))
