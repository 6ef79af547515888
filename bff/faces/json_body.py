"""A request's JSON, read by one policy in REST and GraphQL: what two parsers could read in two ways is refused.

UTF-8 without a mark before it; no NaN or Infinity, no half of a surrogate pair, no name twice in an object, no deeper than
any request has a reason to be. A body's size is held before (bff/gateway/body.py).
"""

import json
from typing import Any

import orjson

from bff.faces.accept import JSON
from bff.faces.problems import Problem

# Brackets in brackets: a screen's inputs have five. orjson stops at 1,024, which is deep enough to hurt whoever walks it.
MAX_DEPTH = 64
_DEEP = f"the body is nested more than {MAX_DEPTH} levels deep"


class _Twice(ValueError):
    """A name that stands twice in one object."""


def refuse_unless_json(content_type: str | None) -> None:
    """Raise the 415 problem for a body that is not announced as JSON in UTF-8."""
    media, _, parameters = (content_type or "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if media.strip().lower() != JSON or charset not in ("", "charset=utf-8"):
        raise Problem("unsupported-media-type", f"send {JSON}, in UTF-8")


def read_object(body: bytes) -> dict[str, Any]:  # Any: JSON of any shape
    """The object that a body is; raises the 400 problem for all else."""
    try:
        given = orjson.loads(body)
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _too_deep(given):
            raise Problem("bad-request", _DEEP)
        _look(body.decode())
    except orjson.JSONDecodeError as error:
        raise Problem("bad-request", _DEEP if "depth" in str(error) else "the body is not JSON") from None
    except _Twice as twice:
        raise Problem("bad-request", f"the body has a name twice in one object: {twice}") from None
    if not isinstance(given, dict):
        raise Problem("bad-request", "the body is not a JSON object")
    return given


def _object(pairs: list[tuple[str, object]]) -> None:
    if len(pairs) > 1 and len({name for name, _ in pairs}) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Twice(repr(name[:64]))
            seen.add(name)


def _unread(_: str) -> None:
    """Numbers have been read: orjson has judged them, and thousands of digits are not worth an int."""


_look = json.JSONDecoder(object_pairs_hook=_object, parse_int=_unread, parse_float=_unread).decode


def _too_deep(given: object) -> bool:
    """Whether brackets stand in more than MAX_DEPTH brackets; orjson itself stops at 1,024."""
    level = [given]
    for _ in range(MAX_DEPTH):
        level = [
            below
            for one in level
            if isinstance(one, dict | list)
            for below in (one.values() if isinstance(one, dict) else one)
            if isinstance(below, dict | list)
        ]
        if not level:
            return False
    return True
