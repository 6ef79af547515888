"""What a screen's types must hold so that GraphQL shows exactly what REST shows: nothing more, nothing by another name."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition

from bff.composition.action_inputs import views_in
from bff.composition.action_models import input_name
from bff.composition.shape import attributes
from bff.faces.action import ServedAction
from bff.faces.screen import ServedScreen
from bff.naming import camel

# GraphQL's Name; two leading underscores are kept for introspection (October 2021 specification, sections 2.1.9, 4.1).
_NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*\Z")


def types_of(root: type) -> tuple[type, ...]:
    """The screen types that a screen's (or an action's) type is made of, itself first."""
    found: dict[type, None] = {}
    left: list[type] = [root]
    while left:
        cls = left.pop()
        if cls not in found:
            found[cls] = None
            left.extend(shape.leaf.type for shape in attributes(cls).values() if shape.leaf.kind == "object")
    return tuple(found)


def faults_of(screens: Sequence[ServedScreen], actions: Sequence[ServedAction] = ()) -> Iterator[str]:
    """Why these cannot stand in one GraphQL schema, each with place and mend."""
    owners: dict[str, type] = {}
    for served in screens:
        screen = served.screen
        if not _NAME.match(screen.name):
            yield f"{screen.place}: its name '{screen.name}' cannot be a GraphQL field; pass Screen(..., name='...')"
        yield from _faults_below(screen.type, screen.place, owners)
    for done in actions:
        action = done.action
        if not _NAME.match(action.name):
            yield f"{action.place}: its name '{action.name}' cannot be a GraphQL field; pass @action(..., name='...')"
        yield from _faults_below(done.planned.type, action.place, owners)
        for view in sent_with(done):
            yield from (f"{action.place}: {fault}" for fault in _enum_faults(view))
            yield from _taken(input_name(view), view, action.place, owners)


def sent_with(served: ServedAction) -> tuple[type[msgspec.Struct], ...]:
    """The Views that clients send to an action."""
    found = (view for parameter in served.inputs.body for view in views_in(parameter.annotation))
    return tuple(dict.fromkeys(found))


def _faults_below(root: type, place: str, owners: dict[str, type]) -> Iterator[str]:
    for cls in types_of(root):
        yield from (f"{place}: {fault}" for fault in _type_faults(cls))
        yield from (f"{place}: {fault}" for fault in _enum_faults(cls))
        yield from _taken(cls.__name__, cls, place, owners)


def _taken(name: str, cls: type, place: str, owners: dict[str, type]) -> Iterator[str]:
    other = owners.setdefault(name, cls)
    if other is not cls or (name != cls.__name__ and name in {one.__name__ for one in owners.values()}):
        yield f"{place}: {_where(cls)} and {_where(other)} would both be the GraphQL type '{name}'; rename one"


def _type_faults(cls: type) -> Iterator[str]:
    if issubclass(cls, msgspec.Struct):
        return  # a View: it can hold nothing that is not shown
    definition = get_object_definition(cls)
    if definition is None or definition.origin is not cls:
        # Decorating it here would change the class under its author's hands: Strawberry makes arguments keyword-only.
        yield f"{_where(cls)} is a plain dataclass, which GraphQL cannot show; make it a View, or a @strawberry.type"
    elif definition.is_interface:
        yield f"{_where(cls)} is an interface; declare the one type that the screen shows with @strawberry.type"
    else:
        yield from _field_faults(cls, definition)


def _field_faults(cls: type, definition: StrawberryObjectDefinition) -> Iterator[str]:
    shown = attributes(cls)
    for name, shape in shown.items():
        if shape.leaf.kind == "object" and issubclass(shape.leaf.type, msgspec.Struct):
            yield f"{_where(cls)}.{name} holds a View inside a Strawberry type; make {cls.__name__} a View too"
    for found in definition.fields:
        name = found.python_name
        if found.base_resolver is not None or found.extensions:
            yield (
                f"{_where(cls)}.{name} has a resolver, which REST would not run; "
                f"make it a plain attribute that a section or a @field fills"
            )
        elif name in shown and found.graphql_name not in (None, camel(name)):
            yield f"{_where(cls)}.{name} is '{found.graphql_name}' in GraphQL and '{camel(name)}' in REST; take name= away"


def _enum_faults(cls: type) -> Iterator[str]:
    for name, shape in attributes(cls).items():
        enum = shape.leaf.type
        if shape.leaf.kind != "enum" or not issubclass(enum, Enum):
            continue
        definition = vars(enum).get("__strawberry_definition__")
        if isinstance(definition, StrawberryEnumDefinition):
            for value in definition.values:
                if value.name not in enum.__members__:
                    yield (
                        f"{_where(cls)}.{name}: {enum.__name__} has a value named '{value.name}' in GraphQL only; "
                        f"REST writes the member's own name, so take name= away"
                    )


def _where(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
