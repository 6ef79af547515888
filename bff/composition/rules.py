"""What a screen must hold before it may serve: one function a rule, each saying place, fault and mend."""

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import UnionType
from typing import Any

from bff.composition.budget import time_for
from bff.composition.field import Field
from bff.composition.inputs import input_fault
from bff.composition.screen import Screen
from bff.composition.screen_type import declared, is_frozen, is_screen_type
from bff.composition.section import Need, Section
from bff.composition.shape import NoShape, Shape, attributes, parts
from bff.composition.signature import Parameter, Signature, read


@dataclass(slots=True)
class Draft:
    """A screen under check."""

    screen: Screen
    template: dict[str, Section[..., Any]]
    fields: tuple[Field, ...] = ()
    services: frozenset[str] | None = None
    signatures: dict[Section[..., Any], Signature] = field(default_factory=dict)
    fallbacks: dict[Section[..., Any], Signature] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def inputs(self) -> Iterator[tuple[Section[..., Any], Parameter]]:
        for signatures in (self.signatures, self.fallbacks):
            for section, signature in signatures.items():
                for parameter in signature.of_kind("input"):
                    yield section, parameter


Rule = Callable[[Draft], Iterator[str]]


def the_template_can_be_shown(draft: Draft) -> Iterator[str]:
    place = draft.screen.place
    if not is_screen_type(draft.screen.type):
        yield f"{place}: its template is a {draft.screen.type.__name__}; pass an instance of a View from schemas/"
        return
    try:
        shown = attributes(draft.screen.type)
    except (NoShape, NameError) as error:
        yield f"{place}: {draft.screen.type.__name__} has a type that clients cannot be given: {error}"
        return
    if not draft.template:
        yield f"{place}: no attribute of its template is filled by a section; use needs(...)"
    for name, shape in shown.items():
        for fault in deep_faults(shape, f"{draft.screen.type.__name__}.{name}"):
            yield f"{place}: {fault}"


def deep_faults(shape: Shape, place: str, seen: frozenset[object] = frozenset()) -> Iterator[str]:
    """What clients could not be given, anywhere below a value of this shape."""
    if shape.leaf.type in seen:
        return
    try:
        below = parts(shape)
    except (NoShape, NameError) as error:
        yield f"{place}: {error}"
        return
    for name, part in below.items():
        yield from deep_faults(part, f"{place}.{name}", seen | {shape.leaf.type})


def sections_fit_their_attributes(draft: Draft) -> Iterator[str]:
    try:
        hints = typing.get_type_hints(draft.screen.type, include_extras=True)
    except NameError:
        return  # told by the_template_can_be_shown
    for name, section in draft.template.items():
        returns = draft.signatures[section].returns
        where = f"{draft.screen.place}: {draft.screen.type.__name__}.{name}"
        allowed = _members(hints.get(name))
        if section.nullable and type(None) not in allowed:
            yield (
                f"{where} is never null, but section '{section.name}' has fallback=None; "
                f"declare it `{_text(hints.get(name))} | None` or give the section a value to fall back to"
            )
        if not _members(returns) <= allowed:
            yield f"{where} is {_text(hints.get(name))}, but section '{section.name}' gives {_text(returns)}"


def a_section_fills_one_attribute(draft: Draft) -> Iterator[str]:
    """Else its verdict and its item fields would be told under one name only."""
    filled: dict[Section[..., Any], str] = {}
    for name, section in draft.template.items():
        first = filled.setdefault(section, name)
        if first != name:
            yield (
                f"{draft.screen.place}: section '{section.name}' fills {first} and {name}; "
                f"let a section of its own that needs it fill {name}"
            )


def needs_fit_their_parameters(draft: Draft) -> Iterator[str]:
    for section, signature in draft.signatures.items():
        for parameter in signature.of_kind("need"):
            given = draft.signatures.get(parameter.section) if parameter.section else None
            if parameter.section is None or given is None:
                continue  # a circle, told where it was found
            allowed = _members(parameter.annotation)
            gives = _members(given.returns) | ({type(None)} if parameter.section.nullable else set())
            if not gives <= allowed:
                yield (
                    f"{section.place}: parameter '{parameter.name}' is {_text(parameter.annotation)}, but section "
                    f"'{parameter.section.name}' gives {' | '.join(sorted(map(_text, gives)))}"
                )


def fallbacks_need_only_what_their_sections_need(draft: Draft) -> Iterator[str]:
    """Else a fallback could wait for a section that waits for the fallback."""
    for section, fallback in draft.fallbacks.items():
        own = {parameter.section for parameter in draft.signatures[section].of_kind("need")}
        for parameter in fallback.of_kind("need"):
            if parameter.section not in own:
                yield (
                    f"{section.place}: its fallback needs '{parameter.name}', which the section itself does not need; "
                    f"add the need to the section or take it out of the fallback"
                )


def timeouts_fit_the_budget(draft: Draft) -> Iterator[str]:
    if draft.screen.budget <= 0:
        yield f"{draft.screen.place}: budget={draft.screen.budget} is no time; give seconds above 0"
        return
    for section in draft.signatures:
        most = time_for(section, draft.screen.budget)
        if section.timeout is None:
            if most <= 0:
                yield f"{section.place}: the screen's budget of {draft.screen.budget} s leaves it no time; raise it"
        elif section.timeout <= 0:
            yield f"{section.place}: timeout={section.timeout} is no time; give seconds above 0"
        elif section.timeout > most + 1e-9:
            yield (
                f"{section.place}: timeout={section.timeout} is over what {draft.screen.place} can give it "
                f"({most:.3f} s of its budget of {draft.screen.budget} s); lower the timeout or raise the budget"
            )


def inputs_can_be_given(draft: Draft) -> Iterator[str]:
    seen: dict[str, tuple[Section[..., Any], Parameter]] = {}
    for section, parameter in draft.inputs():
        fault = input_fault(parameter)
        if fault:
            yield f"{section.place}: parameter '{parameter.name}' {fault}"
        other, known = seen.setdefault(parameter.name, (section, parameter))
        if known.annotation != parameter.annotation or known.default != parameter.default:
            yield (
                f"{section.place}: input '{parameter.name}' is {_text(parameter.annotation)} here and "
                f"{_text(known.annotation)} in section '{other.name}'; one screen, one type and default a name"
            )
    for name in draft.screen.parameters:
        if name not in seen:
            yield f"{draft.screen.place}: no section takes '{name}' of its path; add the parameter or take it out"
        elif seen[name][1].optional:
            yield f"{seen[name][0].place}: '{name}' stands in the path, so it has no default; take the default away"


def sections_only_read(draft: Draft) -> Iterator[str]:
    """They are run at the same time, cut and left out: nothing that must be done once can stand in one."""
    for signatures in (draft.signatures, draft.fallbacks):
        for section, signature in signatures.items():
            for parameter in (*signature.of_kind("once"), *signature.of_kind("steps")):
                yield f"{section.place}: parameter '{parameter.name}' is for changes; make this an @action, or take it out"


def constants_need_no_marker(draft: Draft) -> Iterator[str]:
    for name, value in draft.screen.given.items():
        if isinstance(value, list | tuple) and any(isinstance(item, Need) for item in value):
            yield f"{draft.screen.place}: attribute '{name}' holds needs() inside a list; make one section give the list"


def fields_fit_their_items(draft: Draft) -> Iterator[str]:
    for item_field in draft.fields:
        yield from _field_faults(item_field)


def _field_faults(item_field: Field) -> Iterator[str]:
    place, item = item_field.place, item_field.item
    signature, faults = read(item_field.function, place, takes_items=True)
    yield from faults
    if not is_screen_type(item):
        yield f"{place}: {item.__name__} is not a screen type; name a View of schemas/ in @field(...)"
        return
    if is_frozen(item):
        yield f"{place}: {item.__name__} is frozen, so its '{item_field.name}' cannot be filled; take frozen=True away"
    hints = typing.get_type_hints(item, include_extras=True)
    if item_field.name not in hints:
        yield f"{place}: {item.__name__} has no attribute '{item_field.name}'; declare it in schemas/ with default None"
        return
    attribute = next((known for known in declared(item) if known.name == item_field.name), None)
    if attribute is None or attribute.default is not None:
        yield f"{place}: {item.__name__}.{item_field.name} must have default None: it is there only when asked for"
    for parameter in signature.parameters[1:]:
        if parameter.kind in ("need", "input", "once", "steps"):
            yield f"{place}: parameter '{parameter.name}' cannot be filled; a field takes items, clients and the caller"
    values = typing.get_args(signature.returns)
    if not values or not _members(values[0]) <= _members(hints[item_field.name]):
        yield (
            f"{place}: gives {_text(signature.returns)}, but {item.__name__}.{item_field.name} is "
            f"{_text(hints[item_field.name])}; give a list with one such value an item"
        )


def clients_name_a_service_that_is_there(draft: Draft) -> Iterator[str]:
    takers = [(section.place, signature) for section, signature in (*draft.signatures.items(), *draft.fallbacks.items())]
    takers += [(field.place, read(field.function, field.place, takes_items=True)[0]) for field in draft.fields]
    for place, signature in takers:
        yield from clients_fit(place, signature, draft.services)


def clients_fit(place: str, signature: Signature, services: frozenset[str] | None) -> Iterator[str]:
    """Of one function: whether each client that it takes has a service to call."""
    for parameter in signature.of_kind("client"):
        name, service = parameter.annotation.__name__, parameter.annotation.service
        if not service:
            yield f'{place}: {name} calls no service; write `class {name}(Client, service="...")`'
        elif services is not None and service not in services:
            there = ", ".join(sorted(services)) or "none"
            yield (
                f"{place}: {name} calls service '{service}', which is not in bff.toml (there is: {there}); "
                f"add [services.{service}]"
            )


RULES: tuple[Rule, ...] = (
    the_template_can_be_shown,
    sections_fit_their_attributes,
    a_section_fills_one_attribute,
    needs_fit_their_parameters,
    fallbacks_need_only_what_their_sections_need,
    timeouts_fit_the_budget,
    inputs_can_be_given,
    sections_only_read,
    constants_need_no_marker,
    fields_fit_their_items,
    clients_name_a_service_that_is_there,
)


def _members(annotation: object) -> set[object]:
    """The alternatives of a type: `X | None` -> {X, NoneType}; Annotated is seen through."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        return {member for option in typing.get_args(annotation) for member in _members(option)}
    return {type(None) if annotation is None else annotation}


def _text(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) and not typing.get_args(annotation) else str(annotation)
