"""The shape of a screen's types: what clients see of them, and which types cannot be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, NewType
from uuid import UUID

import pytest
import strawberry
from strawberry.utils.str_converters import to_camel_case

from bff import Int64, Json
from bff.composition.shape import Kind, NoShape, attributes, parts, shape_of
from bff.naming import camel

Sku = NewType("Sku", str)
Total = NewType("Total", Int64)


class Tier(Enum):
    GOLD = "gold"


class Level(IntEnum):
    ONE = 1


@dataclass
class Comment:
    text: str
    secret: strawberry.Private[str] = ""
    replies: list["Comment"] = field(default_factory=list)


@strawberry.type
class Badge:
    tier: Tier
    hidden: strawberry.Private[dict[str, object]]
    name: str | None = None


@dataclass
class Derived(Comment):
    likes: int = 0


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (str, "plain"), (int, "plain"), (float, "plain"), (bool, "plain"), (date, "plain"), (time, "plain"), (UUID, "plain"),
        (Sku, "plain"), (datetime, "datetime"), (Int64, "int64"), (Total, "int64"), (Decimal, "decimal"), (Tier, "enum"),
        (Level, "enum"), (Json, "json"), (Comment, "object"), (Badge, "object"), (list[int], "list"), (Sequence[int], "list"),
        (tuple[int, ...], "list"), (Annotated[str, "said"], "plain"), (Annotated[Tier | None, "said"], "enum"),
    ],
)  # fmt: skip
def test_what_clients_can_be_given_has_a_kind(annotation: object, kind: Kind) -> None:
    assert shape_of(annotation).kind == kind


@pytest.mark.parametrize(
    "annotation",
    [
        object, Any, bytes, dict[str, int], Mapping[str, int], set[int], list, timedelta, complex, int | str, int | str | None,
        tuple[int, str], tuple[int, int], tuple[()], list[bytes], list[int | str], type(None), "str",
    ],
)  # fmt: skip
def test_what_clients_cannot_be_given_is_refused_with_what_to_use(annotation: object) -> None:
    with pytest.raises(NoShape, match=r"use |declare a View"):
        shape_of(annotation)


def test_null_is_told_where_it_may_stand() -> None:
    maybe = shape_of(list[int | None] | None)
    assert (maybe.kind, maybe.nullable) == ("list", True)
    assert maybe.item is not None
    assert maybe.item.nullable
    sure = shape_of(list[int])
    assert not sure.nullable
    assert sure.item is not None
    assert not sure.item.nullable


def test_the_parts_of_a_list_are_those_of_its_items_and_a_leaf_has_none() -> None:
    assert list(parts(shape_of(list[list[Badge | None]] | None))) == ["tier", "name"]
    assert parts(shape_of(list[str])) == {}
    assert parts(shape_of(Json)) == {}


def test_private_attributes_are_not_there_and_inherited_ones_are() -> None:
    assert list(attributes(Comment)) == ["text", "replies"]
    assert list(attributes(Badge)) == ["tier", "name"]
    assert list(attributes(Derived)) == ["text", "replies", "likes"]


def test_a_type_may_hold_itself() -> None:
    assert parts(attributes(Comment)["replies"]) is attributes(Comment)


def test_a_resolver_is_refused_for_behaviour() -> None:
    @strawberry.type
    class Behaving:
        @strawberry.field
        def name(self) -> str:
            return ""

    with pytest.raises(NoShape, match=r"Behaving\.name is a resolver"):
        attributes(Behaving)


NAMES = (
    "viewer", "last_orders", "a", "a_b_c", "with_2_digits", "v2_name", "_private", "__twice", "_", "__", "class_", "a__b",
    "a_", "a__", "", "x_y_", "_x_y", "é_à", "order_id2_x", "address_line_1",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_are_strawberrys_own(name: str) -> None:
    assert camel(name) == to_camel_case(name)


@pytest.mark.parametrize(
    ("name", "ours"), [("last_URL", "lastURL"), ("get_httpServer", "getHttpServer"), ("lastOrders", "lastOrders")]
)
def test_capitals_of_the_author_stay_capitals(name: str, ours: str) -> None:
    """Strawberry would write `lastUrl`; the GraphQL face names by our rule, so both faces agree."""
    assert camel(name) == ours
