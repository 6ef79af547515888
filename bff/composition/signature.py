"""What a section's or an action's function asks for, read from its signature: needs, clients, the caller, inputs, ..."""

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bff.caller import Caller
from bff.composition.once import Once
from bff.composition.section import Need, Section
from bff.composition.steps import Steps
from bff.deadline import Deadline
from bff.upstream.client import Client

Kind = Literal["need", "client", "caller", "deadline", "input", "items", "once", "steps"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: what fills it, and for inputs the annotation (with its constraints) and the default."""

    name: str
    kind: Kind
    annotation: Any  # Any: an annotation can be a class, a generic alias or an Annotated form
    default: object = inspect.Parameter.empty
    section: Section[..., Any] | None = None

    @property
    def optional(self) -> bool:
        return self.default is not inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's parameters, in order, and the type that it gives when awaited."""

    parameters: tuple[Parameter, ...]
    returns: Any

    def of_kind(self, kind: Kind) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.kind == kind)

    @property
    def services(self) -> tuple[str, ...]:
        """The services it can call."""
        return tuple(parameter.annotation.service for parameter in self.of_kind("client"))


def read(function: Callable[..., object], place: str, *, takes_items: bool = False) -> tuple[Signature, list[str]]:
    """The signature of a section, fallback, field or action, and the faults found in it."""
    faults: list[str] = []
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        return Signature((), Any), [f"{place}: its annotations cannot be read ({error}); import the missing name"]
    if not inspect.iscoroutinefunction(function):
        faults.append(f"{place}: is not async; write `async def {getattr(function, '__name__', '')}`")
    parameters = []
    for index, raw in enumerate(inspect.signature(function).parameters.values()):
        if raw.kind in (raw.VAR_POSITIONAL, raw.VAR_KEYWORD):
            faults.append(f"{place}: takes {raw}, which nothing can fill; name each parameter")
        elif raw.name not in hints:
            faults.append(f"{place}: parameter '{raw.name}' has no type; annotate it")
        else:
            kind: Kind = "items" if takes_items and index == 0 else _kind(hints[raw.name], raw.default)
            need = raw.default.section if isinstance(raw.default, Need) else None
            parameters.append(Parameter(raw.name, kind, hints[raw.name], raw.default, need))
    if "return" not in hints:
        faults.append(f"{place}: has no return type; add `-> ...`")
    return Signature(tuple(parameters), hints.get("return", Any)), faults


def _kind(annotation: object, default: object) -> Kind:
    if isinstance(default, Need):
        return "need"
    if isinstance(annotation, type):
        if issubclass(annotation, Client):
            return "client"
        if annotation is Caller:
            return "caller"
        if annotation is Deadline:
            return "deadline"
        if annotation is Once:
            return "once"
        if annotation is Steps:
            return "steps"
    return "input"
