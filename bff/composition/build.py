"""From a screen to its plan: read every signature, order the sections, check every rule, refuse all faults at once."""

from collections.abc import Iterable
from typing import Any

from bff.composition import rules
from bff.composition.field import Field
from bff.composition.job import Job
from bff.composition.plan import Plan, Step
from bff.composition.screen import Screen
from bff.composition.section import Need, Section
from bff.composition.shape import attributes
from bff.composition.signature import Signature, read
from bff.errors import Refusal
from bff.naming import camel


def plan_of(screen: Screen, fields: Iterable[Field] = (), services: frozenset[str] | None = None) -> Plan:
    """The plan of a screen; raises Refusal with every fault, each with its place and its mend.

    `services` are those that can be called; None (in tests with fakes) takes any.
    """
    fields = tuple(fields)
    draft = rules.Draft(screen, _template(screen), fields, services)
    _read_sections(draft)
    for rule in rules.RULES:
        draft.faults.extend(rule(draft))
    if draft.faults:
        raise Refusal(dict.fromkeys(draft.faults))
    steps = _steps(draft)
    return Plan(screen, steps, {step.index: draft.signatures[step.section] for step in steps}, fields)


def _template(screen: Screen) -> dict[str, Section[..., Any]]:
    """The screen's attributes that sections fill."""
    return {name: value.section for name, value in screen.given.items() if isinstance(value, Need)}


def _read_sections(draft: rules.Draft) -> None:
    """Read the signatures of all sections that the template reaches, needed ones before those that need them."""

    def visit(section: Section[..., Any], path: tuple[Section[..., Any], ...]) -> None:
        if section in path:
            names = " -> ".join(s.name for s in (*path[path.index(section) :], section))
            draft.faults.append(f"{section.place}: needs itself ({names}); break the circle")
            return
        if section in draft.signatures:
            return
        signature, faults = read(section.function, section.place)
        draft.faults.extend(faults)
        for parameter in signature.of_kind("need"):
            if parameter.section is not None:
                visit(parameter.section, (*path, section))
        draft.signatures[section] = signature
        if section.computed is not None:
            place = f"{section.place} (fallback {getattr(section.computed, '__name__', '')})"
            draft.fallbacks[section], faults = read(section.computed, place)
            draft.faults.extend(faults)

    for section in draft.template.values():
        visit(section, ())


def _steps(draft: rules.Draft) -> list[Step]:
    names = {section: name for name, section in reversed(draft.template.items())}
    order = {section: index for index, section in enumerate(draft.signatures)}
    shapes = attributes(draft.screen.type)
    steps = []
    for section, signature in draft.signatures.items():
        fallback = draft.fallbacks.get(section, Signature((), None))
        shown = section in names
        never_null = shown and not shapes[names[section]].nullable
        key = camel(names.get(section, section.name))
        services = tuple(dict.fromkeys((*signature.services, *fallback.services)))
        job = Job.of(key, section.function, services, signature.parameters, order)
        computed = section.computed
        steps.append(
            Step(
                index=order[section],
                section=section,
                key=key,
                shown=shown,
                required=shown and not section.optional,
                fatal=shown and not section.has_constant and (never_null or not section.optional),
                takes=signature.parameters,
                needs=tuple(dict.fromkeys(order[p.section] for p in signature.of_kind("need") if p.section)),
                fallback_takes=fallback.parameters,
                services=services,
                job=job,
                fallback=computed and Job.of(f"{key} (fallback)", computed, services, fallback.parameters, order),
                calls=tuple(dict.fromkeys(signature.services)),
                fallback_calls=tuple(dict.fromkeys(fallback.services)),
            )
        )
    return steps
