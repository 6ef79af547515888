"""A screen's inputs: the parameters that a client gives, validated by pydantic before anything runs."""

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from annotated_types import Len, MaxLen
from pydantic import AliasGenerator, BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from bff.composition.action_models import annotation_of
from bff.composition.signature import Parameter
from bff.errors import BffError
from bff.naming import camel

# What a client asks every screen with: `?sections=` and `?fields=`.
RESERVED = frozenset({"sections", "fields"})

# Before every name in the model, so that an input called `json` or `copy` shadows nothing of pydantic's.
_MARK = "input_"

PLAIN = (str, int, float, bool, datetime, date, UUID, Enum)


@dataclass(frozen=True, slots=True)
class InputFault:
    """One fault of one input, by the name the client used."""

    name: str
    detail: str


class BadInput(BffError):
    """The client's inputs do not fit; every fault is listed."""

    def __init__(self, faults: Sequence[InputFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.name}: {fault.detail}" for fault in faults))


class Inputs:
    """The inputs of one screen. Names are camelCase outside and snake_case inside."""

    def __init__(self, name: str, parameters: Sequence[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self.names = {camel(parameter.name): parameter for parameter in parameters}
        fields: dict[str, Any] = {  # Any: what create_model takes
            _MARK + parameter.name: (annotation_of(parameter.annotation), parameter.default if parameter.optional else ...)
            for parameter in parameters
        }
        alias = AliasGenerator(lambda field: camel(field.removeprefix(_MARK)))
        config = ConfigDict(alias_generator=alias, extra="forbid", frozen=True, allow_inf_nan=False)
        self._model: type[BaseModel] = create_model(f"{name}Inputs", __config__=config, **fields)

    def parse(self, raw: Mapping[str, object]) -> dict[str, object]:
        """The validated values by parameter name; raises BadInput with every fault."""
        if not self.parameters and not raw:
            return {}
        try:
            parsed = self._model.model_validate(raw)
        except ValidationError as error:
            raise BadInput([_fault(found, tuple(self.names)) for found in error.errors(include_url=False)]) from None
        return {parameter.name: getattr(parsed, _MARK + parameter.name) for parameter in self.parameters}

    def in_path(self, name: str, path: Sequence[str]) -> bool:
        """Whether the input of this (client's) name is one of the path's parameters."""
        parameter = self.names.get(name)
        return parameter is not None and parameter.name in path

    def is_list(self, name: str) -> bool:
        """Whether the input of this (client's) name takes many values."""
        parameter = self.names.get(name)
        return parameter is not None and is_list(parameter.annotation)


def _fault(found: Any, names: tuple[str, ...]) -> InputFault:  # Any: pydantic's ErrorDetails
    name = ".".join(str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        known = ", ".join(names) or "none"
        return InputFault(name, f"is not an input of this screen; it takes: {known}")
    return InputFault(name, found["msg"])


def bare(annotation: object) -> Any:
    """The type without Annotated and without `| None`."""
    if typing.get_origin(annotation) is typing.Annotated:
        return bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(annotation) if option is not type(None)]
        return bare(options[0]) if len(options) == 1 else annotation
    return annotation


def is_list(annotation: object) -> bool:
    return typing.get_origin(bare(annotation)) in (list, tuple)


def input_fault(parameter: Parameter) -> str | None:
    """Why a parameter cannot be an input, or None."""
    if parameter.name in RESERVED:
        return "has a name that every screen's own parameters use; choose another"
    found = bare(parameter.annotation)
    if typing.get_origin(found) is list:
        if not bounded(parameter.annotation):
            return "is a list without a limit; write Annotated[list[...], Len(max_length=...)]"
        found = bare(typing.get_args(found)[0])
    if not (isinstance(found, type) and issubclass(found, PLAIN)):
        return (
            f"is {found!r}, which is neither a section's value (= needs(...)), nor a Client, Caller or Deadline, nor a "
            f"type that a client can give (str, int, float, bool, datetime, date, UUID, an Enum, or a list of these)"
        )
    if issubclass(found, Enum) and any(member.name != member.value for member in found):
        return f"is {found.__name__}, whose values are not its names; clients write names, in REST and GraphQL: make them equal"
    try:
        TypeAdapter(parameter.annotation)
    except PydanticUserError as error:
        return f"cannot be validated: {error.message}"
    return None


def bounded(annotation: object) -> bool:
    """Whether a constraint says how long it may be."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return all(bounded(option) for option in typing.get_args(annotation) if option is not type(None))
    for mark in getattr(annotation, "__metadata__", ()):
        if isinstance(mark, MaxLen | Len | StringConstraints) and mark.max_length is not None:
            return True
        if isinstance(mark, FieldInfo) and any(isinstance(inner, MaxLen) for inner in mark.metadata):
            return True
    return False
