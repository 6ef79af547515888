"""GraphQL's names and scalars: written as REST writes them, because the same functions write them."""

import typing
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NewType
from uuid import UUID

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.scalar import ScalarDefinition

from bff.composition.render import to_json, utc
from bff.composition.shape import Int64, shape_of
from bff.json import Json
from bff.naming import camel


class Names(NameConverter):
    """Names by the one rule of REST and GraphQL; Strawberry's own lower-cases `last_URL`, ours does not."""

    def apply_naming_config(self, name: str) -> str:
        return camel(name)


def config_for(types: Iterable[type]) -> StrawberryConfig:
    """How Strawberry shall read these screen types."""
    return StrawberryConfig(name_converter=Names(), scalar_map={**_SCALARS, **_of_new_types(types)})


def _as_rest_writes_it(value: object) -> str:
    """The text between the quotes that REST would write."""
    text: str = orjson.loads(to_json(utc(value) if isinstance(value, datetime) else value))
    return text


def _text(value: object) -> str:
    """An input of these scalars is a string; what it says is for the screen's own validation, the same as REST's."""
    if not isinstance(value, str):
        raise GraphQLError("is not a string")
    return value


def _never_an_input(_: object) -> Any:
    raise GraphQLError("is not something that a client gives")


def _scalar(name: str, description: str) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=_as_rest_writes_it, parse_value=_text)


_SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: _scalar("DateTime", "A moment, RFC 3339, in UTC: 2026-01-31T12:00:00Z."),
    date: _scalar("Date", "A day: 2026-01-31."),
    time: _scalar("Time", "A time of day: 12:00:00."),
    UUID: _scalar("UUID", "A UUID: 8-4-4-4-12 hexadecimal digits."),
    Decimal: strawberry.scalar(
        name="Decimal", description="An exact number, as a string.", serialize=str, parse_value=_never_an_input
    ),
    Int64: strawberry.scalar(
        name="Int64",
        description="A whole number of up to 64 bits, as a string: JavaScript rounds numbers above 2^53.",
        serialize=str,
        parse_value=_never_an_input,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="A backend's JSON as it is.",
        serialize=lambda value: orjson.Fragment(value.raw),
        parse_value=_never_an_input,
    ),
}


def _of_new_types(types: Iterable[type]) -> dict[object, ScalarDefinition]:
    """`Sku = NewType("Sku", str)` is a String to clients, as in REST; Strawberry by itself knows no NewType."""
    found: dict[object, ScalarDefinition] = {}
    for cls in types:
        for hint in typing.get_type_hints(cls, include_extras=True).values():
            for new_type in _new_types(hint):
                base = shape_of(new_type).type
                scalar = _SCALARS.get(base) or DEFAULT_SCALAR_REGISTRY.get(base)
                if scalar is not None and new_type not in DEFAULT_SCALAR_REGISTRY:  # strawberry.ID stays an ID
                    found[new_type] = scalar
    return found


def _new_types(hint: object) -> Iterable[NewType]:
    if isinstance(hint, NewType):
        yield hint
    for part in typing.get_args(hint):
        yield from _new_types(part)
