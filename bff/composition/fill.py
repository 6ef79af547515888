"""Item fields that a selection wants on a section's value: where the items are, and who fills them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bff.composition.field import Field
from bff.composition.selection import Selection, chosen
from bff.composition.shape import Shape, attributes
from bff.composition.signature import Parameter, read
from bff.naming import camel

Collect = Callable[[Any], list[Any]]  # Any: from a section's value to the items inside it, whatever their types

# Types can hold themselves (a comment's replies); unless asked for by name, fields are sought this deep and not for ever.
MAX_DEPTH = 6


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """One field on one kind of item of one section: `collect` finds the items in the section's value."""

    field: Field
    key: str  # how outcomes name it: `restaurants.rating`
    collect: Collect
    takes: tuple[Parameter, ...]  # the first one gets the items
    services: tuple[str, ...]
    then: "tuple[Fill, ...]"  # fields of what this field fills in; they run after it


def fills(shape: Shape, selection: Selection | None, fields: Sequence[Field], key: str) -> tuple[Fill, ...]:
    """The fields to run on a value of `shape` when `selection` of it is wanted."""
    return _fills(shape, selection, fields, key, lambda value: [value], 0)


def _fills(
    shape: Shape, selection: Selection | None, fields: Sequence[Field], key: str, reach: Collect, depth: int
) -> tuple[Fill, ...]:
    leaf = shape.leaf
    if not fields or leaf.kind != "object" or (selection is None and depth > MAX_DEPTH):
        return ()
    items = _items(shape, reach)
    filled = {field.name: field for field in fields if field.item is leaf.type}
    found: list[Fill] = []
    for name, below in attributes(leaf.type).items():
        wanted, part = chosen(selection, name)
        if not wanted:
            continue
        place = f"{key}.{camel(name)}"
        deeper = _fills(below, part, fields, place, _attribute(items, name), depth + 1)
        if name in filled:
            signature, _ = read(filled[name].function, filled[name].place, takes_items=True)
            found.append(Fill(filled[name], place, items, signature.parameters, signature.services, deeper))
        else:
            found.extend(deeper)
    return tuple(found)


def _attribute(reach: Collect, name: str) -> Collect:
    return lambda value: [found for item in reach(value) if (found := getattr(item, name)) is not None]


def _items(shape: Shape, reach: Collect) -> Collect:
    """Open the lists of `shape`, so that what is collected are the items themselves."""
    if shape.item is None:
        return lambda value: [item for item in reach(value) if item is not None]
    inner = shape.item
    return _items(inner, lambda value: [item for items in reach(value) if items is not None for item in items])
