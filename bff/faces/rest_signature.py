"""The Python signature that FastAPI reads a screen's parameters from, made from the plan's inputs."""

import inspect
import typing
from typing import Annotated, Any

from fastapi import Header, Path, Query
from fastapi.requests import Request as HttpRequest
from pydantic import AllowInfNan
from pydantic.fields import FieldInfo

from bff.composition.action_models import annotation_of
from bff.composition.inputs import bare
from bff.composition.signature import Parameter
from bff.faces.screen import ServedScreen
from bff.faces.wanted import FIELDS, SECTIONS
from bff.naming import camel

# Before the name of every input, so that an input called `request` or `fields` is not taken for one of ours.
_MARK = "input_"

# A whole number of milliseconds above 0, as bff/gateway/screen_endpoint.py takes it: at most nine digits.
TIMEOUT_PATTERN = "^0{0,8}[1-9][0-9]{0,8}$"
TIMEOUT_DIGITS = 9

_SECTIONS = """Sections to get, separated by commas; all others are neither fetched nor in the answer.
`sections=viewer,picks`"""
_FIELDS = """Parts of sections to get, separated by commas: only these are in the answer, and an attribute that is filled from
another backend is only fetched when named. With `sections`, the sections that are not narrowed here stay whole.
`fields=picks.name`"""
_TIMEOUT = """How long the client waits, in milliseconds. The screen takes no longer than this and its own budget, and
what is left goes on to every backend."""


def signature_of(served: ServedScreen) -> inspect.Signature:
    """`(request, input_..., sections, fields, request_timeout)`, with the client's names as aliases."""
    timeout = Header(alias="Request-Timeout", description=_TIMEOUT, pattern=TIMEOUT_PATTERN, max_length=TIMEOUT_DIGITS)
    return inspect.Signature(
        [
            inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=HttpRequest),
            *(_input(parameter, served) for parameter in served.plan.inputs),
            _optional(SECTIONS, Annotated[list[str], Query(alias=SECTIONS, description=_SECTIONS)]),
            _optional(FIELDS, Annotated[list[str], Query(alias=FIELDS, description=_FIELDS)]),
            _optional("request_timeout", Annotated[str, timeout]),
        ]
    )


def given(served: ServedScreen, values: dict[str, object]) -> dict[str, object]:
    """The screen's inputs among the values that FastAPI calls the endpoint with, by their names in sections."""
    return {parameter.name: values[_MARK + parameter.name] for parameter in served.plan.inputs}


def _input(parameter: Parameter, served: ServedScreen) -> inspect.Parameter:
    where = Path if parameter.name in served.screen.parameters else Query
    place = where(alias=camel(parameter.name), description=description_of(parameter.annotation))
    annotation: Any = Annotated[annotation_of(parameter.annotation), place]  # Any: made at run time
    if bare(parameter.annotation) is float:
        annotation = Annotated[annotation, AllowInfNan(False)]  # as Inputs has it
    return inspect.Parameter(
        _MARK + parameter.name, inspect.Parameter.KEYWORD_ONLY, default=parameter.default, annotation=annotation
    )


def description_of(annotation: object) -> str | None:
    """What the composer has said of it: `Annotated[int, Field(description=...)]`."""
    marks = typing.get_args(annotation)[1:] if typing.get_origin(annotation) is Annotated else ()
    return next((mark.description for mark in marks if isinstance(mark, FieldInfo) and mark.description), None)


def _optional(name: str, annotation: Any) -> inspect.Parameter:  # Any: an Annotated form
    """None stands for "not given"; the annotation does not say so, else the document would offer clients a null."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
