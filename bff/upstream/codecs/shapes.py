"""What the codecs ask of a declared type before any byte has come."""

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import inspect

from bff.json import Json

Record: TypeAlias = inspect.StructType | inspect.DataclassType | inspect.TypedDictType

RECORDS = (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)
LISTS = (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)


def refuse_unfillable(kind: object) -> None:
    """TypeError if `kind` holds a class that no decoder can make from data: Json below the top, any foreign class."""
    for part in parts(inspect.type_info(kind)):
        if isinstance(part, inspect.CustomType):
            raise TypeError(f"{kind!r} holds {part.cls.__name__}, which cannot be decoded; use a msgspec Struct for it")
        if isinstance(part, inspect.RawType) or (isinstance(part, inspect.StructType) and part.cls is Json):
            raise TypeError(f"{kind!r} holds unread bytes as a part; take the whole answer as Json, or type the part")


def parts(root: inspect.Type) -> Iterator[inspect.Type]:
    """Every type inside `root`, itself included, each once (a Struct may hold itself)."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        inner = (getattr(part, name, None) for name in ("type", "item_type", "key_type", "value_type"))
        waiting.extend(found for found in inner if isinstance(found, inspect.Type))
        waiting.extend(getattr(part, "item_types", ()))
        waiting.extend(getattr(part, "types", ()))
        waiting.extend(field.type for field in getattr(part, "fields", ()))


def choices(shape: inspect.Type) -> tuple[inspect.Type, ...]:
    """The types that a value of `shape` may have, None aside."""
    if isinstance(shape, inspect.Metadata):
        return choices(shape.type)
    if isinstance(shape, inspect.UnionType):
        return tuple(choice for part in shape.types for choice in choices(part))
    return () if isinstance(shape, inspect.NoneType) else (shape,)


def item_of(shape: inspect.Type) -> inspect.Type | None:
    """The items' type if `shape` is a list, or a list or None."""
    found = choices(shape)
    return found[0].item_type if len(found) == 1 and isinstance(found[0], LISTS) else None
