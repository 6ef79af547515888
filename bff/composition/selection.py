"""Which parts of a screen are wanted: names of attributes, each with the parts wanted below it."""

from collections.abc import Iterable

# Hashable, so that a compiled cut of a plan can be kept by it. None below a name means "all of it".
Selection = tuple[tuple[str, "Selection | None"], ...]


def chosen(selection: Selection | None, name: str) -> "tuple[bool, Selection | None]":
    """Whether `name` is wanted, and what below it."""
    if selection is None:
        return True, None
    for wanted, below in selection:
        if wanted == name:
            return True, below
    return False, None


def from_paths(paths: Iterable[tuple[str, ...]]) -> Selection:
    """`("viewer",), ("picks", "name"), ("picks", "price")` -> viewer whole, picks with two attributes.

    A whole name wins over parts of it; the order is that of first mention.
    """
    below: dict[str, list[tuple[str, ...]] | None] = {}
    for head, *rest in paths:
        known = below.setdefault(head, [])
        if not rest:
            below[head] = None
        elif known is not None:
            known.append(tuple(rest))
    return tuple((name, None if parts is None else from_paths(parts)) for name, parts in below.items())
