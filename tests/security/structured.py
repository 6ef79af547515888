"""Structured fields (RFC 9651), as far as the RateLimit fields need them: lists of items with parameters, read strictly."""

import re
from typing import Final

Bare = int | float | str | bytes | bool

_KEY: Final = re.compile(r"[a-z*][a-z0-9_.*-]*")
_NUMBER: Final = re.compile(r"-?\d{1,12}\.\d{1,3}|-?\d{1,15}")
_STRING: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")
_BYTES: Final = re.compile(r":([A-Za-z0-9+/=]*):")


class Malformed(ValueError):
    """The field does not parse: a recipient must ignore all of it."""


def items(text: str) -> list[tuple[Bare, dict[str, Bare]]]:
    """The members of a List, each an Item with its parameters (section 4.2.1)."""
    found = []
    at = _skip(text, 0)
    while at < len(text):
        item, at = _item(text, at)
        found.append(item)
        at = _skip(text, at, " \t")
        if at == len(text):
            return found
        if text[at] != ",":
            raise Malformed(f"not a comma at {at}: {text!r}")
        at = _skip(text, at + 1, " \t")
        if at == len(text):
            raise Malformed(f"ends with a comma: {text!r}")
    return found


def _item(text: str, at: int) -> tuple[tuple[Bare, dict[str, Bare]], int]:
    value, at = _bare(text, at)
    parameters: dict[str, Bare] = {}
    while at < len(text) and text[at] == ";":
        at = _skip(text, at + 1)
        key = _KEY.match(text, at)
        if key is None:
            raise Malformed(f"no key at {at}: {text!r}")
        at = key.end()
        given: Bare = True
        if at < len(text) and text[at] == "=":
            given, at = _bare(text, at + 1)
        parameters[key[0]] = given
    return (value, parameters), at


def _bare(text: str, at: int) -> tuple[Bare, int]:
    if text.startswith(("?0", "?1"), at):
        return text[at + 1] == "1", at + 2
    if found := _NUMBER.match(text, at):
        return (float(found[0]) if "." in found[0] else int(found[0])), found.end()
    if found := _STRING.match(text, at):
        return re.sub(r"\\(.)", r"\1", found[1]), found.end()
    if found := _BYTES.match(text, at):
        return found[1].encode(), found.end()
    if found := _TOKEN.match(text, at):
        return found[0], found.end()
    raise Malformed(f"no item at {at}: {text!r}")


def _skip(text: str, at: int, what: str = " ") -> int:
    while at < len(text) and text[at] in what:
        at += 1
    return at
