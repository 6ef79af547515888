"""What an action came to, as it is kept for a request that is sent again: its value, or the problem that answered it."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from bff.faces.problems import Problem

REPLAYED = (b"idempotency-replayed", b"true")


class _Problem(msgspec.Struct, frozen=True):
    kind: str
    detail: str
    members: dict[str, Any]  # Any: JSON of any shape


class _Kept(msgspec.Struct, frozen=True):
    value: msgspec.Raw = msgspec.Raw(b"null")
    problem: _Problem | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the two."""

    value: Any = field(default=None)  # Any: of the action's own type
    problem: Problem | None = None


def kept_as(outcome: Outcome) -> bytes:
    problem = outcome.problem
    if problem is not None:
        return msgspec.json.encode(_Kept(problem=_Problem(problem.kind, problem.detail, dict(problem.members))))
    return msgspec.json.encode(_Kept(value=msgspec.Raw(msgspec.json.encode(outcome.value))))


def read(kind: type, kept: bytes) -> Any:  # Any: of `kind`
    """The value that was kept; raises the problem that was, and a conflict for a value of an earlier release's shape."""
    found = msgspec.json.decode(kept, type=_Kept)
    if found.problem is not None:
        raise Problem(found.problem.kind, found.problem.detail, found.problem.members, headers=[REPLAYED])
    try:
        return msgspec.json.decode(found.value, type=kind)
    except msgspec.ValidationError:
        raise Problem(
            "conflict", "this was done before, and what it gave can no longer be shown; look at what there is"
        ) from None
