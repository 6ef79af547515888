"""How much one operation may ask for, measured in one pass that reads every fragment once.

The pass is linear because a fragment's extent is kept: 20 fragments that each spread the next one twice are a million
fields to whoever expands them, and 40 look-ups here.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)

# Of reliability-security.md 2.12. The first two are held before anything is parsed into a tree.
MAX_CHARACTERS = 15_000  # a screen's query has 1,000 to 3,000
MAX_TOKENS = 1_000
MAX_DEPTH = 8  # screen, section, items and five more
MAX_SCREENS = 20  # root fields; each may call every backend of its screen
MAX_FIELDS = 1_000  # with every fragment expanded: no more than 1,000 tokens could name without fragments

_INTROSPECTION = ("__schema", "__type")  # their depth is the schema's own affair; who may not ask is refused elsewhere


class Extent(NamedTuple):
    """Of a selection set, its fragments expanded: levels, fields in all, and fields at its first level."""

    depth: int
    fields: int
    width: int


_NOTHING = Extent(0, 0, 0)


def too_much(document: DocumentNode) -> list[GraphQLError]:
    """What is over the limits, an error for each operation; an empty list when nothing is."""
    fragments = {found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)}
    meter = _Meter(fragments)
    return [
        GraphQLError(fault, operation)
        for operation in document.definitions
        if isinstance(operation, OperationDefinitionNode)
        for fault in _faults(meter.extent(operation.selection_set.selections))
    ]


def _faults(extent: Extent) -> Iterable[str]:
    if extent.depth > MAX_DEPTH:
        yield f"The operation is nested more than {MAX_DEPTH} levels deep."
    if extent.width > MAX_SCREENS:
        yield f"The operation has more than {MAX_SCREENS} root fields."
    if extent.fields > MAX_FIELDS:
        yield f"The operation has more than {MAX_FIELDS} fields."


class _Meter:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Extent] = {}

    def extent(self, selections: Iterable[SelectionNode]) -> Extent:
        depth = fields = width = 0
        for selection in selections:
            below = self._of(selection)
            depth, fields, width = max(depth, below.depth), fields + below.fields, width + below.width
        return Extent(depth, fields, width)

    def _of(self, selection: SelectionNode) -> Extent:
        match selection:
            case FieldNode(name=name) if name.value in _INTROSPECTION:
                return Extent(1, 1, 1)
            case FieldNode(selection_set=below):
                inner = self.extent(below.selections) if below else _NOTHING
                return Extent(inner.depth + 1, inner.fields + 1, 1)
            case InlineFragmentNode(selection_set=below):
                return self.extent(below.selections)
            case FragmentSpreadNode(name=name):
                return self._of_fragment(name.value)
        return _NOTHING

    def _of_fragment(self, name: str) -> Extent:
        known = self._known.get(name)
        if known is None:
            fragment = self._fragments.get(name)
            if fragment is None:
                return _NOTHING  # validation names it
            self._known[name] = _NOTHING  # what a circle finds when it comes round; validation refuses circles
            known = self._known[name] = self.extent(fragment.selection_set.selections)
        return known
