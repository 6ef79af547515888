"""Settings as a nested mapping, merged and written as TOML: scenarios and mutations say only what differs."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Settings = Mapping[str, Any]  # Any: a value of TOML, or a table of them

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def merged(*parts: Settings) -> dict[str, Any]:
    """The later ones win, table by table."""
    whole: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            whole[name] = merged(whole.get(name, {}), value) if isinstance(value, Mapping) else value
    return whole


def toml(settings: Settings) -> str:
    """One dotted line a value: its JSON is TOML too, for texts, numbers, booleans and lists of them."""
    return "".join(f"{line}\n" for line in _lines(settings, ()))


def _lines(table: Settings, path: tuple[str, ...]) -> Iterator[str]:
    for name, value in table.items():
        here = (*path, name if _BARE.fullmatch(name) else json.dumps(name))
        if isinstance(value, Mapping):
            yield from _lines(value, here)
        else:
            yield f"{'.'.join(here)} = {json.dumps(value)}"
