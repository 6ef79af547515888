"""From a run to bytes: a projector compiled from the screen's type and the selection, orjson behind it.

Written as generated source because that is 2-3 times cheaper than walking types: `{"name": v.name, ...}` as one
expression a type. A section whose whole value is Views that msgspec writes as we would (`verbatim.py`) is not even walked:
it is written in one go and spliced in. The seam is `render(...) -> bytes`; nothing else knows how.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from bff.composition.outcome import Outcome
from bff.composition.selection import Selection, chosen
from bff.composition.shape import Shape, attributes
from bff.composition.verbatim import is_written_whole, write
from bff.json import Json
from bff.naming import camel

Projector = Callable[[Mapping[str, Any]], dict[str, Any]]  # Any: values of all screen types in, JSON values out

# Selections are the client's to choose (`?fields=`), so compiled projectors are bounded, like compiled cuts.
KEPT_PROJECTORS = 1024

# orjson's words for an integer that it cannot write.
_TOO_LARGE = "Integer exceeds 64-bit range"

# Dataclasses are passed through: a screen type that was not projected would show its snake_case names.
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_PASSTHROUGH_DATACLASS


def render(screen: type, selection: Selection | None, values: Mapping[str, Any], outcomes: Mapping[str, Outcome]) -> bytes:
    """The answer's body: `data` with what was selected, `meta` with every section that is not plainly ok.

    `values` are by the screen's attribute names; those not selected are absent from the answer. One that msgspec writes
    whole (`verbatim.py`) may have been written before, and is its bytes then.
    """
    verdicts = meta(outcomes)
    try:
        return to_json({"data": projector(screen, selection)(values), "meta": verdicts})
    except TypeError as error:
        if _TOO_LARGE not in str(error):
            raise
        # A backend's integer above 64 bits is kept as it is (F10): orjson writes none, msgspec writes it exactly.
        return msgspec.json.encode({"data": projector(screen, selection, msgspec.Raw)(values), "meta": verdicts})


def meta(outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """The status contract (features.md C7) as clients get it."""
    return {"complete": not outcomes, "sections": {key: outcome.as_meta() for key, outcome in outcomes.items()}}


def to_json(value: object) -> bytes:
    """All JSON that this product writes is written here: UTC times end in Z, `Json` is spliced in unread."""
    return orjson.dumps(value, default=_default, option=_OPTIONS)


def _default(value: object) -> object:
    if isinstance(value, Json):
        return orjson.Fragment(value.raw)
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def utc(moment: datetime) -> datetime:
    """The moment in UTC, as all times travel; one without a zone is taken to be in UTC already."""
    if moment.tzinfo is UTC or moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # "never" as 9999-12-31T23:59:59-05:00 lies in a year that has no name: it keeps its offset
        return moment


@lru_cache(maxsize=KEPT_PROJECTORS)
def projector(screen: type, selection: Selection | None, splice: Callable[[bytes], object] = orjson.Fragment) -> Projector:
    """The function from a screen's values to what orjson writes, for one selection; `splice` marks JSON to go in unread."""
    source = _Source()
    lines = []
    for name, shape in attributes(screen).items():
        wanted, below = chosen(selection, name)
        if wanted:
            value = f"v[{name!r}]"
            if is_written_whole(shape, below):
                expression = f"Fragment(x if (x := {value}).__class__ is bytes else write(x))"
            else:
                expression = source.expression(shape, below, value, nullable=True)
            lines.append(f"{camel(name)!r}: {expression}")
    source.functions.append(f"def project(v): return {{{', '.join(lines)}}}")
    namespace: dict[str, Any] = {"Fragment": splice, "utc": utc, "write": write}
    exec("\n".join(source.functions), namespace)
    return namespace["project"]  # type: ignore[no-any-return]  # made by exec two lines up


class _Source:
    """Python source of the functions that project the types met on the way, one a type and selection."""

    def __init__(self) -> None:
        self.functions: list[str] = []
        self._names: dict[tuple[type, Selection | None], str] = {}

    def expression(self, shape: Shape, selection: Selection | None, value: str, *, nullable: bool = False) -> str:
        inner = self._inner(shape, selection, value)
        if inner == value or not (nullable or shape.nullable):
            return inner
        return f"(None if {value} is None else {inner})"

    def _inner(self, shape: Shape, selection: Selection | None, value: str) -> str:
        match shape.kind:
            case "int64" | "decimal":
                return f"str({value})"
            case "datetime":
                return f"utc({value})"
            case "enum":
                return f"{value}.name"
            case "json":
                return f"Fragment({value}.raw)"
            case "list" if shape.item is not None:
                item = self.expression(shape.item, selection, "x")
                return value if item == "x" else f"[{item} for x in {value}]"
            case "object":
                return f"{self._function(shape.type, selection)}({value})"
            case _:
                return value

    def _function(self, cls: type, selection: Selection | None) -> str:
        known = self._names.get((cls, selection))
        if known is not None:
            return known
        name = self._names[cls, selection] = f"project{len(self._names)}"
        pairs = []
        for attribute, shape in attributes(cls).items():
            wanted, below = chosen(selection, attribute)
            if wanted:
                pairs.append(f"{camel(attribute)!r}: {self.expression(shape, below, f'o.{attribute}')}")
        self.functions.append(f"def {name}(o): return {{{', '.join(pairs)}}}")
        return name
