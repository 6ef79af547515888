"""The shape of a value, read from its type: what a client can select, what a projector walks, where fields hang."""

import dataclasses
import types
import typing
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, NewType
from uuid import UUID

from bff.composition.screen_type import declared, is_screen_type
from bff.json import Json

# A number that JavaScript would round (above 2^53); written as a string in REST and GraphQL alike.
Int64 = NewType("Int64", int)

_PLAIN: tuple[type, ...] = (str, int, float, bool, date, time, UUID)

Kind = Literal["plain", "int64", "decimal", "datetime", "enum", "json", "list", "object"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A type as clients see it: its kind, whether it may be null, the class, and the items of a list."""

    kind: Kind
    nullable: bool
    type: Any  # Any: a class, or Int64, which is a NewType
    item: "Shape | None" = None

    @property
    def leaf(self) -> "Shape":
        """The shape inside all lists."""
        return self if self.item is None else self.item.leaf


def parts(shape: Shape) -> dict[str, Shape]:
    """The attributes that can be chosen below a value of this shape; none below a leaf."""
    return attributes(shape.leaf.type) if shape.leaf.kind == "object" else {}


class NoShape(TypeError):
    """A type that has no place in a screen; the text says why and what to use."""


@lru_cache(maxsize=4096)
def shape_of(annotation: Any) -> Shape:
    """The shape of an annotation; raises NoShape for what clients could not be given."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return shape_of(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return _nullable(annotation)
    if origin is tuple and typing.get_args(annotation)[1:] != (...,):
        raise NoShape(f"{annotation} has parts without names; use a View, or tuple[..., ...] for many of one type")
    if origin in (list, tuple, typing.get_origin(typing.Sequence[int])):
        return Shape("list", False, list, shape_of(typing.get_args(annotation)[0]))
    if annotation is Int64:
        return Shape("int64", False, Int64)
    if isinstance(annotation, NewType):
        return shape_of(annotation.__supertype__)
    if not isinstance(annotation, type):
        raise NoShape(f"{annotation!r} cannot be shown; use a View, a list, str, int, float, bool, an Enum or Json")
    return _of_class(annotation)


def _nullable(annotation: Any) -> Shape:
    options = [option for option in typing.get_args(annotation) if option is not type(None)]
    if len(options) != 1:
        raise NoShape(f"{annotation} is a union; use one type, or make the alternatives nullable attributes of one")
    return dataclasses.replace(shape_of(options[0]), nullable=True)


def _of_class(cls: type) -> Shape:
    if issubclass(cls, Json):
        return Shape("json", False, cls)
    if issubclass(cls, Enum):
        return Shape("enum", False, cls)
    if issubclass(cls, Decimal):
        return Shape("decimal", False, cls)
    if issubclass(cls, datetime):
        return Shape("datetime", False, cls)
    if issubclass(cls, _PLAIN):
        return Shape("plain", False, cls)
    if is_screen_type(cls):
        return Shape("object", False, cls)
    raise NoShape(f"{cls.__module__}.{cls.__qualname__} is not a screen type; declare a View for it in schemas/")


@lru_cache(maxsize=4096)
def attributes(cls: type) -> dict[str, Shape]:
    """The attributes of a screen type that clients see, by their Python names, in order."""
    shown = {}
    for attribute in declared(cls):
        if attribute.hint is None or not attribute.settable:
            raise NoShape(
                f"{cls.__name__}.{attribute.name} is a resolver; a screen type has no behaviour, use a section or a field"
            )
        if not _private(attribute.hint):
            shown[attribute.name] = shape_of(attribute.hint)
    return shown


def _private(hint: object) -> bool:
    """Whether this is `strawberry.Private[...]`; told by name, since composition does not know GraphQL."""
    return any(type(mark).__name__ == "StrawberryPrivate" for mark in getattr(hint, "__metadata__", ()))
