"""What a REST client asks for: `?sections=a,b` and `?fields=a.x,a.y` as a selection, all else as the screen's inputs."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from bff.composition.inputs import BadInput, InputFault
from bff.composition.selection import Selection, from_paths
from bff.composition.shape import attributes, parts
from bff.faces.problems import Problem
from bff.naming import camel

if TYPE_CHECKING:
    from bff.faces.screen import Raw, ServedScreen

# Both are the client's words; more paths than this is not a screen's worth of fields but an attack on the plan's cache.
MAX_PATHS = 200
# Types can hold themselves (a comment's replies). GraphQL takes 8 levels (graphql_limits.py), the screen being the first.
MAX_DEPTH = 7
_KEPT = 1024

SECTIONS, FIELDS = "sections", "fields"


def read(screen: "ServedScreen", raw: "Raw") -> tuple[Selection | None, dict[str, object]]:
    """The selection, and the validated inputs by their names in sections; raises BadInput with every fault of the request.

    A header that cannot be read is a 400 problem when nothing else is wrong, and a fault among the others when it is not.
    """
    if not raw.query and not raw.faults:
        return None, screen.inputs.parse(raw.path)
    faults: list[InputFault] = []
    given, asked = _sorted(screen, raw, faults)
    selection: Selection | None = None
    inputs: dict[str, object] = {}
    try:
        selection = _selected(screen, asked)
    except BadInput as bad:
        faults.extend(bad.faults)
    try:
        inputs = screen.inputs.parse(given)
    except BadInput as bad:
        faults.extend(bad.faults)
    refuse(raw.faults, faults)
    return selection, inputs


def refuse(headers: Sequence[InputFault], faults: Sequence[InputFault]) -> None:
    """Raise what these faults of headers and of inputs are together; nothing when there are none."""
    if faults:
        raise BadInput([*headers, *faults])
    if headers:
        raise Problem("bad-request", "; ".join(f"{fault.name} {fault.detail}" for fault in headers))


def split(screen: "ServedScreen", raw: "Raw") -> tuple[Selection | None, dict[str, object]]:
    """The selection, and the inputs by the client's names; raises BadInput for names that the screen does not have."""
    faults: list[InputFault] = []
    given, asked = _sorted(screen, raw, faults)
    if faults:
        raise BadInput(faults)
    return _selected(screen, asked), given


def _sorted(screen: "ServedScreen", raw: "Raw", faults: list[InputFault]) -> tuple[dict[str, object], dict[str, str]]:
    """The inputs by the client's names, and the two parameters that every screen has."""
    given: dict[str, object] = dict(raw.path)
    asked: dict[str, str] = {}
    for name, value in raw.query:
        if name in (SECTIONS, FIELDS):
            asked[name] = f"{asked[name]},{value}" if name in asked else value
        elif name in raw.path:
            faults.append(InputFault(name, "stands in the path, not in the query"))
        elif screen.inputs.is_list(name):
            values = given.setdefault(name, [])
            if isinstance(values, list):
                values.append(value)
        elif name in given:
            faults.append(InputFault(name, "is given twice"))
        else:
            given[name] = value
    return given, asked


def _selected(screen: "ServedScreen", asked: Mapping[str, str]) -> Selection | None:
    return selection_of(screen.screen.type, asked.get(SECTIONS), asked.get(FIELDS)) if asked else None


@lru_cache(maxsize=_KEPT)
def selection_of(screen: type, sections: str | None, fields: str | None) -> Selection | None:
    """The selection that the two parameters name: `sections` whole, but for those that `fields` narrows.

    Without `sections`, what `fields` names is all that is wanted.
    """
    faults: list[InputFault] = []
    named, narrowing = _paths(sections), _paths(fields)
    if len(named) + len(narrowing) > MAX_PATHS:  # before any is looked up: 8 KB of commas would take 10 ms
        raise BadInput([InputFault(FIELDS, f"names more than {MAX_PATHS} parts")])
    whole = [_resolve(screen, path, SECTIONS, faults) for path in named]
    narrowed = [_resolve(screen, path, FIELDS, faults) for path in narrowing]
    if not faults and not whole and not narrowed:
        faults = [InputFault(FIELDS if sections is None else SECTIONS, "names nothing; leave it out for all")]
    if sections is not None:
        outside = {path[0] for path in narrowed if path} - {path[0] for path in whole if path}
        faults.extend(InputFault(FIELDS, f"'{camel(name)}' is not among the sections asked for") for name in sorted(outside))
    if faults:
        raise BadInput(faults)
    heads = {path[0] for path in narrowed}
    return from_paths([path for path in whole if path[0] not in heads] + narrowed)


def _paths(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _resolve(screen: type, path: str, parameter: str, faults: list[InputFault]) -> tuple[str, ...]:
    """`lastOrders.total` -> ("last_orders", "total"); a name that is not there becomes a fault that lists those that are."""
    names = path.split(".")
    if parameter == SECTIONS and len(names) > 1:
        faults.append(InputFault(SECTIONS, f"'{path}' has a dot; parts of sections go into {FIELDS}"))
        return ()
    if len(names) > MAX_DEPTH:
        faults.append(InputFault(FIELDS, f"names a part more than {MAX_DEPTH} levels deep"))
        return ()
    found: list[str] = []
    there = attributes(screen)
    for name in names:
        known = {camel(attribute): (attribute, shape) for attribute, shape in there.items()}
        if name not in known:
            faults.append(InputFault(parameter, f"'{name}' is not known; there is: {', '.join(known) or 'no parts'}"))
            return ()
        attribute, shape = known[name]
        found.append(attribute)
        there = parts(shape)
    return tuple(found)
