"""Strawberry types for Views: one a class, by the same name, made when a schema is.

Strawberry describes classes that it has decorated, and a View is none of its own. Values stay Views: graphql-core reads
their attributes by name and never asks for their class.
"""

import types
import typing
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import msgspec
import strawberry

from bff.composition.screen_type import declared
from bff.composition.shape import attributes


class Twins:
    """The twins of some screen types; what is no View is its own."""

    def __init__(self, views: Iterable[type]) -> None:
        self._of: dict[type, type] = {cls: _bare(cls) for cls in views if issubclass(cls, msgspec.Struct)}
        self._view = {twin: cls for cls, twin in self._of.items()}
        for cls, twin in self._of.items():  # all are there before the first is read: types may hold each other
            twin.__annotations__ = {name: self.hint(hint) for name, hint in _shown(cls)}
        for cls, twin in self._of.items():
            for attribute in declared(cls):
                if attribute.description or attribute.deprecated:
                    field = strawberry.field(description=attribute.description, deprecation_reason=attribute.deprecated)
                    setattr(twin, attribute.name, field)
            strawberry.type(twin)

    def of(self, cls: type) -> type:
        """What Strawberry knows this screen type by."""
        return self._of.get(cls, cls)

    def view(self, known: type) -> type:
        """The screen type that Strawberry knows by `known`."""
        return self._view.get(known, known)

    def hint(self, hint: Any) -> Any:  # Any: annotations in and out
        """The annotation with every View in it replaced by its twin."""
        origin = typing.get_origin(hint)
        if origin is typing.Annotated:
            return self.hint(typing.get_args(hint)[0])
        if origin in (typing.Union, types.UnionType):
            return typing.Union[tuple(self.hint(part) for part in typing.get_args(hint))]  # noqa: UP007 - made of a tuple
        if origin is not None:
            return list[self.hint(typing.get_args(hint)[0])]  # type: ignore[misc]  # screens have no other generic type
        if isinstance(hint, type) and issubclass(hint, Enum) and "__strawberry_definition__" not in vars(hint):
            return strawberry.enum(hint)
        return self._of.get(hint, hint) if isinstance(hint, type) else hint


def _bare(cls: type) -> type:
    return type(cls.__name__, (), {"__doc__": vars(cls).get("__doc__"), "__module__": cls.__module__, "__annotations__": {}})


def _shown(cls: type) -> Iterator[tuple[str, Any]]:
    shown = attributes(cls)
    return ((attribute.name, attribute.hint) for attribute in declared(cls) if attribute.name in shown)
