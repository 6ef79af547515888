"""What GraphQL lets clients send to an action: input types made of Views, and arguments made of parameters.

One promise in both faces: what may be left out in REST may be left out here. GraphQL can say a default only where it is a
plain value; where it is not, the input may be null or absent, and absent is what the View's or the action's default fills.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import msgspec
import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.unset import UNSET

from bff.composition.action_models import input_name
from bff.composition.screen_type import REQUIRED, declared
from bff.composition.shape import shape_of
from bff.composition.signature import Parameter
from bff.faces.graphql_twins import Twins

_PLAIN_DEFAULT = (str, int, float, bool, type(None))


class InputTwins(Twins):
    """The input types of some Views, by names of their own: the same View may be shown too."""

    def __init__(self, views: Iterable[type[msgspec.Struct]]) -> None:
        super().__init__(())
        for cls in views:
            self._of[cls] = type(input_name(cls), (), {"__module__": cls.__module__, "__annotations__": {}})
        for cls, twin in self._of.items():
            for attribute in declared(cls):
                hint, default = self._promise(attribute.hint, attribute.default)
                twin.__annotations__[attribute.name] = hint
                setattr(twin, attribute.name, strawberry.field(default=default, description=attribute.description))
            strawberry.input(twin, description=vars(cls).get("__doc__"))

    def argument(self, parameter: Parameter) -> StrawberryArgument:
        """The parameter as a mutation's argument."""
        given = parameter.default if parameter.optional else REQUIRED
        hint, default = self._promise(parameter.annotation, given)
        return StrawberryArgument(
            python_name=parameter.name,
            graphql_name=None,
            type_annotation=StrawberryAnnotation(hint),
            default=UNSET if default is dataclasses.MISSING else default,
        )

    def _promise(self, annotation: Any, default: object) -> tuple[Any, Any]:  # Any: annotations; a default of any type
        hint = self.hint(annotation)
        if default is REQUIRED:
            return hint, None if shape_of(annotation).nullable else dataclasses.MISSING
        if isinstance(default, _PLAIN_DEFAULT) and type(default) in _PLAIN_DEFAULT:
            return hint, default
        return hint | None, UNSET
