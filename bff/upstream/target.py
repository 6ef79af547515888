"""From a path template and arguments to the raw target of a request, so that no value can leave its place."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from urllib.parse import quote, urlencode

Argument = str | int | float | bool | datetime | Enum | None
Arguments = Mapping[str, "Argument | list[str] | list[int] | tuple[str, ...]"]

_PARAMETER = re.compile(r"\{(\w+)\}")


class BadPathValue(ValueError):
    """A value that no encoding can keep in one path segment: none, empty, `.` or `..` (RFC 3986 section 5.2.4)."""


@lru_cache(maxsize=4096)
def _parameters(template: str) -> tuple[str, ...]:
    return tuple(_PARAMETER.findall(template))


def target(template: str, arguments: Arguments) -> str:
    """`/users/{id}` with id="a/b", limit=5 -> `/users/a%2Fb?limit=5`; None is left out, a list repeats its name."""
    in_path = _parameters(template)
    if not arguments and not in_path:
        return template
    path = template
    for name in in_path:
        part = "" if arguments[name] is None else text(arguments[name])
        if part in ("", ".", ".."):
            raise BadPathValue(f"{name}={arguments[name]!r} cannot stand in {template}")
        path = path.replace("{" + name + "}", quote(part, safe=""))
    query: list[tuple[str, str]] = []
    for name, value in arguments.items():
        if name in in_path or value is None:
            continue
        if isinstance(value, list | tuple):
            query.extend((name, text(item)) for item in value)
        else:
            query.append((name, text(value)))
    if not query:
        return path
    return f"{path}{'&' if '?' in template else '?'}{urlencode(query)}"


def text(value: object) -> str:
    """The form in which a value travels: `true`, RFC 3339 times, an enum's value."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case Enum():
            return str(value.value)
        case _:
            return str(value)
