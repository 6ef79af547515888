"""Views in GraphQL: described as they are, shown as they are, whatever they hold."""

from enum import Enum
from typing import Annotated

import msgspec
import strawberry
from strawberry.types.base import get_object_definition

from bff import ID, View
from bff.faces.graphql_twins import Twins


class Mood(Enum):
    GOOD = "GOOD"


@strawberry.type
class Older:
    """A Strawberry type of the time before Views."""

    name: str


class Leaf(View):
    """A leaf."""

    id: ID
    mood: Mood
    old: Annotated[str | None, msgspec.Meta(description="What it was.", extra={"deprecated": "use id"})] = None


class Tree(View):
    """A tree of trees."""

    leaves: list[Leaf]
    children: list["Tree"] | None
    older: Older


def test_views_become_types_of_the_same_names_that_hold_each_other() -> None:
    twins = Twins([Tree, Leaf, Older])
    schema = strawberry.Schema(query=twins.of(Tree))
    assert schema.as_str() == (
        "schema {\n  query: Tree\n}\n\n"
        'type Leaf {\n  id: ID!\n  mood: Mood!\n\n  """What it was."""\n'
        '  old: String @deprecated(reason: "use id")\n}\n\n'
        "enum Mood {\n  GOOD\n}\n\ntype Older {\n  name: String!\n}\n\n"
        "type Tree {\n  leaves: [Leaf!]!\n  children: [Tree!]\n  older: Older!\n}"
    )


def test_a_view_itself_is_left_as_it_was() -> None:
    twins = Twins([Leaf])
    assert get_object_definition(Leaf) is None
    assert twins.of(Leaf) is not Leaf
    assert twins.view(twins.of(Leaf)) is Leaf


def test_what_is_no_view_is_its_own_twin() -> None:
    twins = Twins([Older])
    assert twins.of(Older) is Older
    assert twins.view(Older) is Older
