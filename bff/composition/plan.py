"""The graph of a screen's sections, known at import, and the cut of it that one request wants."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bff.composition.field import Field
from bff.composition.fill import Fill, fills
from bff.composition.job import Job
from bff.composition.screen import Screen
from bff.composition.section import Need, Section
from bff.composition.selection import Selection, chosen
from bff.composition.shape import attributes
from bff.composition.signature import Parameter, Signature
from bff.composition.verbatim import is_written_whole
from bff.naming import camel

# `?sections=` and `?fields=` are the client's to choose, so the compiled cuts of a screen are bounded.
KEPT_CUTS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A section in its place: what it takes, what it waits for, who waits for it."""

    index: int
    section: Section[..., Any]  # Any here and below: sections of all types stand side by side in a plan
    key: str  # how outcomes name it: the screen's attribute in camelCase, or the section's own name
    shown: bool
    required: bool  # it has no fallback of any kind
    fatal: bool  # the screen fails when it has no value: required, or its fallback failed and its attribute is never null
    takes: tuple[Parameter, ...]
    needs: tuple[int, ...]
    fallback_takes: tuple[Parameter, ...]
    services: tuple[str, ...]  # of the section and of its fallback
    job: Job
    fallback: Job | None
    calls: tuple[str, ...]  # the section's own services
    fallback_calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """The steps that a selection needs, in an order in which they can run, and what hangs on each."""

    steps: tuple[Step, ...]
    first: tuple[Step, ...]  # those that wait for nothing
    dependents: dict[int, tuple[Step, ...]]
    waiting: dict[int, int]  # how many steps each one waits for
    spare: frozenset[int]  # steps that the screen can live without; they are the first to be shed
    fills: dict[int, tuple[Fill, ...]]  # item fields wanted on a step's value
    filled: dict[Fill, Job]
    leading: frozenset[int]  # steps after which there is more to do: dependents to start, or fields to fill
    final: frozenset[int]  # steps whose value is shown whole, as msgspec writes it, and taken by nobody else
    shown: dict[str, int]  # screen attribute -> step
    constants: dict[str, object]

    def rank(self, key: str) -> tuple[int, str]:
        """Where an outcome's key stands in the screen: its sections first, each followed by its fields, then the steps."""
        section = key.partition(".")[0]
        names = [camel(name) for name in self.shown]
        return (names.index(section) if section in names else len(names), key)


class Plan:
    """A screen that has passed every check. `only(selection)` is cheap: cuts are compiled once and kept."""

    def __init__(
        self, screen: Screen, steps: Sequence[Step], signatures: dict[int, Signature], fields: Sequence[Field]
    ) -> None:
        self.screen = screen
        self.steps = tuple(steps)
        self.fields = tuple(fields)
        self.signatures = signatures
        self.inputs = _inputs(steps)
        self.attributes = attributes(screen.type)
        self._by_section = {step.section: step for step in steps}
        self.only: Callable[[Selection | None], Cut] = lru_cache(maxsize=KEPT_CUTS)(self._cut)

    def step_of(self, section: Section[..., Any]) -> Step:
        return self._by_section[section]

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(service for step in self.steps for service in step.services))

    def _cut(self, selection: Selection | None) -> Cut:
        shown: dict[str, int] = {}
        constants: dict[str, object] = {}
        hanging: dict[int, tuple[Fill, ...]] = {}
        verbatim: set[int] = set()
        for name, shape in self.attributes.items():
            wanted, below = chosen(selection, name)
            given = getattr(self.screen.template, name)
            if not wanted:
                continue
            if isinstance(given, Need):
                step = self._by_section[given.section]
                shown[name] = step.index
                hanging[step.index] = fills(shape, below, self.fields, camel(name))
                if is_written_whole(shape, below):
                    verbatim.add(step.index)
            else:
                constants[name] = given
        steps = self._upstream_of(shown.values())
        dependents = {step.index: tuple(s for s in steps if step.index in s.needs) for step in steps}
        hanging = {index: found for index, found in hanging.items() if found}
        leading = frozenset(index for index, found in dependents.items() if found) | hanging.keys()
        return Cut(
            steps=steps,
            first=tuple(step for step in steps if not step.needs),
            dependents=dependents,
            waiting={step.index: len(step.needs) for step in steps},
            spare=_spare(steps, dependents),
            fills=hanging,
            filled={fill: _job(fill) for found in hanging.values() for fill in _deep(found)},
            leading=leading,
            final=frozenset(verbatim - leading),
            shown=shown,
            constants=constants,
        )

    def _upstream_of(self, wanted: Iterable[int]) -> tuple[Step, ...]:
        """These steps and all that they need, in plan order, which is an order of running."""
        found: set[int] = set()
        left = list(wanted)
        while left:
            index = left.pop()
            if index not in found:
                found.add(index)
                left.extend(self.steps[index].needs)
        return tuple(step for step in self.steps if step.index in found)


def _spare(steps: Sequence[Step], dependents: dict[int, tuple[Step, ...]]) -> frozenset[int]:
    """Steps that can fail without failing the screen: those with a constant to stand in, and those that only such ones need.

    A fallback that is computed may fail in its turn, and take along whoever needs the step.
    """
    found: set[int] = set()
    for step in reversed(steps):  # who needs a step stands behind it
        needed = not step.section.has_constant and any(user.index not in found for user in dependents[step.index])
        if not step.fatal and not needed:
            found.add(step.index)
    return frozenset(found)


def _deep(found: Iterable[Fill]) -> Iterator[Fill]:
    for fill in found:
        yield fill
        yield from _deep(fill.then)


def _job(fill: Fill) -> Job:
    return Job.of(fill.key, fill.field.function, fill.services, fill.takes, {})


def _inputs(steps: Iterable[Step]) -> tuple[Parameter, ...]:
    """What the client gives: one parameter a name; the checks have held that its sections agree on it."""
    found: dict[str, Parameter] = {}
    for step in steps:
        for parameter in (*step.takes, *step.fallback_takes):
            if parameter.kind == "input":
                found.setdefault(parameter.name, parameter)
    return tuple(found.values())
