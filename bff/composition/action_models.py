"""pydantic's models of the Views that clients send: names in camelCase, nothing unknown, every text and list bounded.

A View is checked by its model and arrives as the View itself. pydantic and not msgspec, which stops at the first fault.
"""

import types
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NewType

import msgspec
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf
from pydantic import AfterValidator, AliasGenerator, BaseModel, ConfigDict, Field, StringConstraints, create_model

from bff.composition.screen_type import REQUIRED, Declared, declared
from bff.naming import camel

# Before every name in a model, so that an input called `json` or `copy` shadows nothing of pydantic's.
MARK = "input_"
# Ids are keys: a UUID has 36 characters, a URL-safe SHA-256 43, and nothing that names a thing needs more than this.
MAX_ID = 128

# Strict: JSON has numbers, true and strings, so "7" is not 7. In JSON, strict pydantic still reads times, ids and enums.
STRICT = ConfigDict(
    alias_generator=AliasGenerator(lambda field: camel(field.removeprefix(MARK))),
    extra="forbid",
    frozen=True,
    strict=True,
    allow_inf_nan=False,
)


def is_id(hint: object) -> bool:
    """Whether this is `bff.ID`; told by name, since composition does not know GraphQL, whose it is."""
    return isinstance(hint, NewType) and hint.__name__ == "ID"


def input_name(view: type) -> str:
    """What GraphQL and OpenAPI call a View that is sent: the same one may be shown, with other promises."""
    return view.__name__ if view.__name__.endswith("Input") else f"{view.__name__}Input"


@lru_cache(maxsize=4096)
def model_of(view: type[msgspec.Struct]) -> type[BaseModel]:
    """The model that a View is checked by."""
    fields: dict[str, Any] = {  # Any: what create_model takes
        MARK + attribute.name: (annotation_of(attribute.hint), _field(attribute)) for attribute in declared(view)
    }
    return create_model(input_name(view), __config__=STRICT, __doc__=vars(view).get("__doc__"), **fields)


def annotation_of(hint: Any) -> Any:  # Any: annotations in and out
    """The annotation as pydantic takes it: Views become models that give Views, ids are bounded."""
    origin = typing.get_origin(hint)
    if is_id(hint):
        return typing.Annotated[str, StringConstraints(max_length=MAX_ID)]
    if origin is typing.Annotated:
        inner, *marks = typing.get_args(hint)
        known = [known for mark in marks for known in _marks(mark)]
        return typing.Annotated[(annotation_of(inner), *known)] if known else annotation_of(inner)
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(annotation_of(part) for part in typing.get_args(hint))]  # noqa: UP007 - made of a tuple
    if origin is list:
        return list[annotation_of(typing.get_args(hint)[0])]  # type: ignore[misc]  # made at run time
    if origin is tuple:
        return tuple[annotation_of(typing.get_args(hint)[0]), ...]  # type: ignore[misc]  # made at run time
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return typing.Annotated[model_of(hint), AfterValidator(_maker(hint))]
    return hint


def _field(attribute: Declared) -> Any:  # Any: pydantic's FieldInfo, told by its type as the default that it holds
    given: dict[str, Any] = {"description": attribute.description} if attribute.description else {}
    if attribute.default is REQUIRED:
        return Field(**given)
    if attribute.default is msgspec.NODEFAULT:  # the View makes its own
        return Field(default_factory=lambda: None, **given)
    return Field(default=attribute.default, **given)


def _maker(view: type[msgspec.Struct]) -> Callable[[BaseModel], msgspec.Struct]:
    """What is not given is left to the View's own default."""

    def make(checked: BaseModel) -> msgspec.Struct:
        return view(**{name.removeprefix(MARK): getattr(checked, name) for name in checked.model_fields_set})

    return make


def _marks(mark: object) -> Iterator[object]:
    """A constraint in pydantic's words; msgspec's are its own."""
    if not isinstance(mark, msgspec.Meta):
        yield mark
        return
    for value, make in ((mark.gt, Gt), (mark.ge, Ge), (mark.lt, Lt), (mark.le, Le), (mark.multiple_of, MultipleOf)):
        if value is not None:
            yield make(value)
    for value, length in ((mark.min_length, MinLen), (mark.max_length, MaxLen)):
        if value is not None:
            yield length(value)
    if mark.pattern is not None:
        yield StringConstraints(pattern=mark.pattern)
