"""From an action to what can be run: its signature read, every rule checked, all faults told at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import msgspec

from bff.composition.action import Action, Method
from bff.composition.action_inputs import ActionInputs, body_faults
from bff.composition.action_models import is_id
from bff.composition.field import Field
from bff.composition.inputs import PLAIN, bare
from bff.composition.rules import clients_fit, deep_faults
from bff.composition.screen_type import is_screen_type
from bff.composition.shape import NoShape, attributes
from bff.composition.signature import Parameter, Signature, read
from bff.errors import Refusal

METHODS: tuple[str, ...] = get_args(Method)
# They have a body, and promise what they say: done, made, or taken on.
STATUSES = (200, 201, 202)


@dataclass(frozen=True, slots=True, eq=False)
class PlannedAction:
    """An action that has passed every check: what it takes, what it calls and what it shows."""

    action: Action[..., Any]  # Any here and below: actions of all types stand side by side
    type: type  # of what it returns
    takes: tuple[Parameter, ...]
    services: tuple[str, ...]
    inputs: ActionInputs


@dataclass(slots=True)
class _Draft:
    action: Action[..., Any]
    signature: Signature
    services: frozenset[str] | None
    fields: tuple[Field, ...]
    in_path: list[Parameter] = field(default_factory=list)
    in_body: list[Parameter] = field(default_factory=list)


def plan_action(
    action: Action[..., Any], services: frozenset[str] | None = None, fields: Iterable[Field] = ()
) -> PlannedAction:
    """The plan of an action; raises Refusal with every fault, each with its place and its mend.

    `services` are those that can be called; None (in tests with fakes) takes any.
    """
    signature, faults = read(action.function, action.place)
    draft = _Draft(action, signature, services, tuple(fields))
    for parameter in signature.of_kind("input"):
        (draft.in_path if parameter.name in action.parameters else draft.in_body).append(parameter)
    for rule in _RULES:
        faults.extend(rule(draft))
    if faults:
        raise Refusal(dict.fromkeys(faults))
    inputs = ActionInputs(action.name, draft.in_path, draft.in_body)
    return PlannedAction(action, signature.returns, signature.parameters, tuple(dict.fromkeys(signature.services)), inputs)


def _it_can_be_asked_for(draft: _Draft) -> Iterator[str]:
    action = draft.action
    if action.method not in METHODS:
        yield f"{action.place}: method={action.method!r} is not one for changes; give one of {', '.join(METHODS)}"
    if action.method == "DELETE" and draft.in_body:
        yield (
            f"{action.place}: a DELETE has no body that every proxy passes on, so '{draft.in_body[0].name}' cannot be given; "
            f"put it into the path, or make it a POST"
        )
    if action.status not in STATUSES:
        yield f"{action.place}: status={action.status} is not what a success with an answer has; give one of {STATUSES}"
    if action.budget <= 0:
        yield f"{action.place}: budget={action.budget} is no time; give seconds above 0"
    if action.idempotent and action.guests:
        yield (
            f"{action.place}: guests have no identity that a kept answer could belong to, so whoever sends a guest's key "
            f"would get it; take guests=True or idempotent=True away"
        )


def _it_asks_for_what_can_be_given(draft: _Draft) -> Iterator[str]:
    place = draft.action.place
    for parameter in draft.signature.of_kind("need"):
        yield f"{place}: parameter '{parameter.name}' needs a section, which an action does not run; ask the client itself"
    for parameter in draft.in_path:
        found = bare(parameter.annotation)
        if not is_id(found) and not (isinstance(found, type) and issubclass(found, PLAIN)):
            yield f"{place}: parameter '{parameter.name}' is {found!r}, which cannot stand in a path; make it a str or an int"
        if parameter.optional:
            yield f"{place}: '{parameter.name}' stands in the path, so it has no default; take the default away"
    taken = {parameter.name for parameter in draft.in_path}
    for name in draft.action.parameters:
        if name not in taken:
            yield f"{place}: nothing takes '{name}' of its path; add the parameter or take it out"
    for parameter in draft.in_body:
        for below, fault in body_faults(parameter.annotation):
            yield f"{place}: parameter '{parameter.name}{below}' {fault}"


def _it_shows_a_view(draft: _Draft) -> Iterator[str]:
    place, returns = draft.action.place, draft.signature.returns
    if returns is Any:
        return  # told by `read`
    if not (isinstance(returns, type) and is_screen_type(returns)):
        yield f"{place}: gives {returns!r}; give a View from schemas/, which says what was done"
        return
    try:
        shown = attributes(returns)
    except (NoShape, NameError) as error:
        yield f"{place}: {returns.__name__} has a type that clients cannot be given: {error}"
        return
    for name, shape in shown.items():
        for fault in deep_faults(shape, f"{returns.__name__}.{name}"):
            yield f"{place}: {fault}"
    if draft.action.idempotent:
        try:
            msgspec.json.Decoder(returns)  # an answer is kept, and read again
        except TypeError as error:
            yield f"{place}: {returns.__name__} cannot be kept for a repeated request: {error}"


def _it_fills_no_fields(draft: _Draft) -> Iterator[str]:
    """An attribute that an item field fills would be null, which says: asked, and not there."""
    left, seen = [draft.signature.returns], set[object]()
    filled = {(field.item, field.name): field for field in draft.fields}
    while left:
        cls = left.pop()
        if cls in seen or not (isinstance(cls, type) and is_screen_type(cls)):
            continue
        seen.add(cls)
        try:
            shown = attributes(cls)
        except (NoShape, NameError):
            continue  # told by _it_shows_a_view
        for name, shape in shown.items():
            if (cls, name) in filled:
                yield (
                    f"{draft.action.place}: {cls.__name__}.{name} is filled by {filled[cls, name].place}, which an action does "
                    f"not run; give a View of its own"
                )
            left.append(shape.leaf.type)


def _its_clients_are_there(draft: _Draft) -> Iterator[str]:
    yield from clients_fit(draft.action.place, draft.signature, draft.services)


_RULES = (
    _it_can_be_asked_for,
    _it_asks_for_what_can_be_given,
    _it_shows_a_view,
    _it_fills_no_fields,
    _its_clients_are_there,
)
