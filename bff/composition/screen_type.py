"""What may be declared in schemas/: a `View`, or a dataclass (Strawberry's types are some). Both are read here alone."""

import dataclasses
import typing
from functools import lru_cache
from typing import Any, cast

import msgspec

REQUIRED = object()


@dataclasses.dataclass(frozen=True, slots=True)
class Declared:
    """One attribute as its class declares it. `default` is REQUIRED where there is none."""

    name: str
    hint: Any  # Any: an annotation; None where the class names none
    default: object
    settable: bool  # false for what its maker does not give: a resolver
    description: str | None = None
    deprecated: str | None = None


def is_screen_type(cls: type) -> bool:
    return dataclasses.is_dataclass(cls) or issubclass(cls, msgspec.Struct)


def is_frozen(cls: type) -> bool:
    """Whether its attributes cannot be set, so that no item field can fill one."""
    if issubclass(cls, msgspec.Struct):
        return cls.__struct_config__.frozen
    return bool(cls.__dataclass_params__.frozen)  # type: ignore[attr-defined]  # what dataclasses leaves behind, unstubbed


def names_of(cls: type) -> tuple[str, ...]:
    """The names of its attributes, whether or not their annotations can be read."""
    if issubclass(cls, msgspec.Struct):
        return cls.__struct_fields__
    return tuple(field.name for field in dataclasses.fields(cast("type[Any]", cls)))


@lru_cache(maxsize=4096)
def declared(cls: type) -> tuple[Declared, ...]:
    """Its attributes in their order; NameError for an annotation that names nothing."""
    hints = typing.get_type_hints(cls, include_extras=True)
    if issubclass(cls, msgspec.Struct):
        return tuple(_of_struct(field, hints[field.name]) for field in msgspec.structs.fields(cls))
    return tuple(_of_dataclass(field, hints.get(field.name)) for field in dataclasses.fields(cast("type[Any]", cls)))


def _of_struct(field: msgspec.structs.FieldInfo, hint: object) -> Declared:
    metas = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, msgspec.Meta)]
    return Declared(
        field.name,
        hint,
        REQUIRED if field.required else field.default,
        True,
        next((meta.description for meta in metas if meta.description), None),
        next((str(meta.extra["deprecated"]) for meta in metas if meta.extra and "deprecated" in meta.extra), None),
    )


def _of_dataclass(field: "dataclasses.Field[Any]", hint: object) -> Declared:
    return Declared(
        field.name,
        hint,
        REQUIRED if field.default is dataclasses.MISSING else field.default,
        field.init,
        getattr(field, "description", None),  # Strawberry's fields have these, plain ones do not
        getattr(field, "deprecation_reason", None),
    )
