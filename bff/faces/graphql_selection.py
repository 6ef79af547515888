"""Which parts of a screen an operation really wants, read from the document with its variables applied.

Read from the document and not from what the executor offers its resolvers: that lists fields under
`@include(if: false)`, and what is listed would be fetched.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
)
from graphql.execution import VariableValues, get_directive_values

from bff.composition.selection import Selection
from bff.composition.shape import Shape, attributes
from bff.naming import camel

Nodes = list[FieldNode]


class Reader:
    """Reads one operation of a valid document."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: VariableValues) -> None:
        self.variables = variables
        self._fragments = fragments

    def roots(self, operation: OperationDefinitionNode) -> dict[str, Nodes]:
        """An operation's own fields by the name that the answer gives them; GraphQLError for a condition that is none."""
        found: dict[str, Nodes] = {}
        if operation.operation is OperationType.SUBSCRIPTION:
            return found
        for node in self._fields([operation.selection_set]):
            found.setdefault(_answer_name(node), []).append(node)
        return found

    def selection(self, cls: type, nodes: Iterable[FieldNode]) -> Selection:
        """What `nodes`, whose type is `cls`, want of it, by the names of its attributes."""
        known = _by_client_name(cls)
        wanted: dict[str, Nodes] = {}
        for node in self._fields(node.selection_set for node in nodes):
            if node.name.value in known:  # all but __typename, which no section gives
                wanted.setdefault(node.name.value, []).append(node)
        return tuple(self._part(*known[name], found) for name, found in wanted.items())

    def _part(self, name: str, shape: Shape, nodes: Nodes) -> tuple[str, Selection | None]:
        leaf = shape.leaf
        return name, (self.selection(leaf.type, nodes) if leaf.kind == "object" else None)

    def places(self, nodes: Iterable[FieldNode], key: str) -> list[str]:
        """Where the answer has what an outcome names `restaurants.rating`: an alias counts, and so do two of them."""
        name, _, rest = key.partition(".")
        found: dict[str, Nodes] = {}
        for node in self._fields(node.selection_set for node in nodes):
            if node.name.value == name:
                found.setdefault(_answer_name(node), []).append(node)
        if not rest:
            return list(found)
        return [f"{here}.{below}" for here, same in found.items() for below in self.places(same, rest)]

    def _fields(self, sets: Iterable[SelectionSetNode | None]) -> Iterator[FieldNode]:
        """The fields of selection sets of one place, fragments opened, each once, and what is skipped left out."""
        opened: set[str] = set()
        left = [selection for one in sets if one is not None for selection in one.selections][::-1]
        while left:
            selection = left.pop()
            if selection.directives and not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                left.extend(reversed(selection.selection_set.selections))
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in opened:
                # A type condition needs no look: screens have no interfaces, so in a valid document it always holds.
                opened.add(selection.name.value)
                left.extend(reversed(self._fragments[selection.name.value].selection_set.selections))

    def _included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))


@lru_cache(maxsize=4096)
def _by_client_name(cls: type) -> dict[str, tuple[str, Shape]]:
    return {camel(name): (name, shape) for name, shape in attributes(cls).items()}


def _answer_name(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value
