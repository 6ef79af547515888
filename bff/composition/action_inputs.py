"""An action's inputs: those of its path and the members of its JSON body, all judged before anything is called."""

import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from types import UnionType
from typing import Any, NewType

import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError

from bff.composition.action_models import MARK, STRICT, annotation_of, is_id
from bff.composition.inputs import PLAIN, BadInput, InputFault, Inputs, bounded
from bff.composition.screen_type import declared
from bff.composition.signature import Parameter
from bff.naming import camel

# Faults that an answer names: enough to mend a form by. A body of many small ones must not make a large answer.
MAX_FAULTS = 50


class ActionInputs:
    """What one action takes: `path` (text, as in a screen's path) and `body`, a JSON object."""

    def __init__(self, name: str, path: Sequence[Parameter], body: Sequence[Parameter]) -> None:
        self.path = tuple(path)
        self.body = tuple(body)
        self._in_path = Inputs(name, self.path)
        fields: dict[str, Any] = {  # Any: what create_model takes
            MARK + parameter.name: (annotation_of(parameter.annotation), parameter.default if parameter.optional else ...)
            for parameter in self.body
        }
        title = f"{name[:1].upper()}{name[1:]}Input"
        self.model: type[BaseModel] = create_model(title, __config__=STRICT, **fields)
        self._names = ", ".join(camel(parameter.name) for parameter in self.body) or "none"

    def parse(self, path: Mapping[str, object], body: bytes) -> dict[str, object]:
        """The values by parameter name, from the path's by the client's names and a JSON object; BadInput has every fault."""
        faults: list[InputFault] = []
        given: dict[str, object] = {}
        try:
            given = self._in_path.parse(path)
        except BadInput as bad:
            faults.extend(bad.faults)
        try:
            checked = self.model.model_validate_json(body)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            faults.extend(self._fault(one) for one in found[:MAX_FAULTS])
            if len(found) > MAX_FAULTS:
                faults.append(InputFault("", f"and {len(found) - MAX_FAULTS} more"))
        else:
            given |= {parameter.name: getattr(checked, MARK + parameter.name) for parameter in self.body}
        if faults:
            raise BadInput(faults)
        return given

    def _fault(self, found: Any) -> InputFault:  # Any: pydantic's ErrorDetails
        name = ".".join(str(part) for part in found["loc"])
        if found["type"] == "extra_forbidden":
            here = f"; there is: {self._names}" if len(found["loc"]) == 1 else ""
            return InputFault(name, f"is not an input of this action{here}")
        return InputFault(name, found["msg"])


# Start: what can be sent at all.


def body_faults(annotation: object) -> list[tuple[str, str]]:
    """Why a type cannot be a member of a body: pairs of a place below it ("" is itself, ".note" a part) and the reason."""
    found = list(_faults(annotation, annotation, ()))
    if not found:
        try:
            TypeAdapter(annotation_of(annotation))
        except (PydanticUserError, SchemaError, NameError, TypeError) as error:
            found.append(("", f"cannot be validated: {error}"))
    return found


def _faults(annotation: object, marked: object, within: tuple[type, ...]) -> Iterator[tuple[str, str]]:
    """`marked` is the annotation with the constraints that stand around it."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _faults(typing.get_args(annotation)[0], marked, within)
    elif origin in (typing.Union, UnionType):
        options = [option for option in typing.get_args(annotation) if option is not type(None)]
        if len(options) != 1:
            yield "", "is a union; use one type, or make the alternatives nullable attributes of one View"
            return
        yield from _faults(options[0], marked if marked is not annotation else options[0], within)
    elif origin is list or (origin is tuple and typing.get_args(annotation)[1:] == (...,)):
        if not _bounded(marked):
            yield "", "is a list without a limit; write Annotated[list[...], Len(max_length=...)]"
        item = typing.get_args(annotation)[0]
        yield from _faults(item, item, within)
    elif isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield from _view_faults(annotation, within)
    else:
        yield from _plain_faults(annotation, marked)


def _view_faults(view: type[msgspec.Struct], within: tuple[type, ...]) -> Iterator[tuple[str, str]]:
    if view in within:
        yield "", f"holds {view.__name__} in itself, as deep as a client likes; send the parts as a list"
        return
    for attribute in declared(view):
        for place, fault in _faults(attribute.hint, attribute.hint, (*within, view)):
            yield f".{attribute.name}{place}", fault


def _plain_faults(annotation: object, marked: object) -> Iterator[tuple[str, str]]:
    if is_id(annotation):
        return
    base = annotation.__supertype__ if isinstance(annotation, NewType) else annotation
    if not (isinstance(base, type) and issubclass(base, PLAIN)):
        yield (
            "",
            f"is {annotation!r}, which is neither a Client, Caller, Deadline, Once or Steps, nor a type that a client can "
            f"send (str, int, float, bool, datetime, date, UUID, an Enum, a View, or a list of these)",
        )
    elif issubclass(base, Enum):
        if any(member.name != member.value for member in base):
            yield "", f"is {base.__name__}, whose values are not its names; clients write names: make them equal"
    elif issubclass(base, str) and not _bounded(marked):
        yield "", "is text without a limit; write Annotated[str, MaxLen(...)]"


def _bounded(annotation: object) -> bool:
    metas = [mark for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, msgspec.Meta)]
    return bounded(annotation) or any(meta.max_length is not None for meta in metas)


def views_in(annotation: object) -> tuple[type[msgspec.Struct], ...]:
    """The Views that a member of a body is made of, itself first."""
    if typing.get_origin(annotation) is not None:
        found = [view for part in typing.get_args(annotation) for view in views_in(part)]
    elif isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        found = [annotation, *(view for attribute in declared(annotation) for view in views_in(attribute.hint))]
    else:
        return ()
    return tuple(dict.fromkeys(found))
