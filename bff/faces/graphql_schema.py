"""One GraphQL schema an app, made from the plans that REST serves: a nullable root field for every screen and every action."""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import strawberry
from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema
from strawberry.annotation import StrawberryAnnotation
from strawberry.exceptions import StrawberryException
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.tools import create_type
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from bff.apps import App
from bff.composition.plan import Plan
from bff.composition.section import Need
from bff.composition.shape import shape_of
from bff.composition.signature import Parameter
from bff.errors import Refusal
from bff.faces.action import ServedAction
from bff.faces.graphql_inputs import InputTwins
from bff.faces.graphql_scalars import config_for
from bff.faces.graphql_twins import Twins
from bff.faces.graphql_types import faults_of, sent_with, types_of
from bff.faces.screen import ServedScreen

Resolve = Callable[..., object]

_NEEDS_KEY = """Needs the header `Idempotency-Key`: sent again with the same key and under the same alias, it is done once.
The same key in REST, or under another alias, is another one."""


def schema_of(
    app: App, screens: Sequence[ServedScreen], root: Resolve, actions: Sequence[ServedAction] = ()
) -> strawberry.Schema:
    """The app's schema; `root` resolves every screen's and every action's field. Raises Refusal with every fault."""
    faults = list(faults_of(screens, actions))
    if faults:
        raise Refusal(dict.fromkeys(faults))
    roots = [*(served.screen.type for served in screens), *(served.planned.type for served in actions)]
    types = dict.fromkeys(cls for found in roots for cls in types_of(found))
    sent = tuple(dict.fromkeys(view for served in actions for view in sent_with(served)))
    twins, inputs = Twins(types), InputTwins(sent)
    fields = [_root_field(served, twins) for served in screens] or [_no_screen_field()]
    changes = [_change_field(served, twins, inputs) for served in actions]
    try:
        schema = strawberry.Schema(
            query=create_type("Query", fields, description=app.title or None),
            mutation=create_type("Mutation", changes) if changes else None,
            config=config_for([*types, *sent]),
        )
    except (StrawberryException, TypeError, ValueError) as error:  # what Strawberry and graphql-core raise for a bad type
        places = ", ".join([*(served.screen.place for served in screens), *(served.action.place for served in actions)])
        raise Refusal([f"app '{app.name}': no GraphQL schema can be made of {places}: {error}; mend that type"]) from error
    _prepare(core_of(schema), _section_texts(served.plan for served in screens), root, twins)
    return schema


def core_of(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's schema inside Strawberry's; it has no public name there."""
    return schema._schema


def _root_field(served: ServedScreen, twins: Twins) -> StrawberryField:
    screen = served.screen
    field = StrawberryField(
        python_name=screen.name,
        graphql_name=screen.name,
        type_annotation=StrawberryAnnotation(twins.of(screen.type) | None),
        description=_text_of(screen.type),
    )
    field.arguments = [_argument(parameter, twins) for parameter in served.plan.inputs]
    return field


def _change_field(served: ServedAction, twins: Twins, inputs: InputTwins) -> StrawberryField:
    once = _NEEDS_KEY if served.action.idempotent else ""
    field = StrawberryField(
        python_name=served.action.name,
        graphql_name=served.action.name,
        type_annotation=StrawberryAnnotation(twins.of(served.planned.type) | None),
        description="\n\n".join(filter(None, (inspect.cleandoc(served.action.__doc__ or ""), once))) or None,
    )
    field.arguments = [inputs.argument(parameter) for parameter in (*served.inputs.path, *served.inputs.body)]
    return field


def _no_screen_field() -> StrawberryField:
    """GraphQL has no empty Query; an app that has no screen yet is still an app that starts."""
    return StrawberryField(
        python_name="no_screen", type_annotation=StrawberryAnnotation(bool | None), description="This app has no screen yet."
    )


def _argument(parameter: Parameter, twins: Twins) -> StrawberryArgument:
    """The input as an argument. One that may be null may be left out: in GraphQL that is one promise, not two."""
    default: object = UNSET
    if parameter.optional:
        default = parameter.default
    elif shape_of(parameter.annotation).nullable:
        default = None
    return StrawberryArgument(
        python_name=parameter.name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation(twins.hint(parameter.annotation)),
        default=default,
    )


# What graphql-core reads from a class and an attribute, completed: descriptions, and resolvers without Strawberry's
# layers, which have nothing to do here (no field has a resolver of its own) and cost a third of a leaf.


def _prepare(schema: GraphQLSchema, texts: dict[tuple[type, str], str], root: Resolve, twins: Twins) -> None:
    for found in schema.type_map.values():
        definition = found.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if isinstance(found, GraphQLObjectType) and isinstance(definition, StrawberryObjectDefinition):
            is_root = found is schema.query_type or found is schema.mutation_type
            shown = twins.view(definition.origin)
            if found.description is None and not is_root:
                found.description = _text_of(shown)
            for field in found.fields.values():
                name = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name
                field.resolve = root if is_root else _reader(name)
                if field.description is None:
                    field.description = texts.get((shown, name))


def _reader(name: str) -> Callable[[object, GraphQLResolveInfo[Any]], object]:
    def read(source: object, _: GraphQLResolveInfo[Any]) -> object:
        return getattr(source, name)

    return read


def _section_texts(plans: Iterator[Plan]) -> dict[tuple[type, str], str]:
    """What sections and item fields say of the attributes that they fill; nothing where two screens differ."""
    found: dict[tuple[type, str], set[str]] = {}
    for plan in plans:
        for name in plan.attributes:
            given = getattr(plan.screen.template, name)
            if isinstance(given, Need):
                found.setdefault((plan.screen.type, name), set()).add(inspect.cleandoc(given.section.__doc__ or ""))
        for field in plan.fields:
            found.setdefault((field.item, field.name), set()).add(inspect.cleandoc(field.__doc__ or ""))
    return {place: next(iter(texts)) for place, texts in found.items() if len(texts) == 1 and texts != {""}}


def _text_of(cls: type) -> str | None:
    """A class's own docstring; the one that dataclasses make of a signature says nothing."""
    text = vars(cls).get("__doc__")
    if not text or re.match(rf"{re.escape(cls.__name__)}\(", text):
        return None
    return inspect.cleandoc(text)
