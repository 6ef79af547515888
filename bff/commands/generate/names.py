"""Names of a description as names of Python: snake_case and PascalCase, no word twice, none that means something already."""

import builtins
import keyword
import re

from bff.upstream.client import Client

_BREAK = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LONGEST = 60  # characters of a name, so that a line holds it

# What a generated file imports or its class has: a field or a method of such a name would stand in their way.
TYPES = frozenset(
    {"str", "int", "float", "bool", "bytes", "list", "dict", "object", "Any", "Literal", "date", "datetime", "time"}
    | {
        "Decimal",
        "UUID",
        "UTC",
        "Client",
        "Json",
        "msgspec",
        "StubReply",
        "StubService",
        "client_of",
        "Service",
        "Call",
        "Reply",
    }
)

# What a client has from the moment it is made, and its class has not.
CLIENTS_OWN = frozenset(vars(Client()))


def words(name: str) -> list[str]:
    return [word for word in _BREAK.split(name) if word and word.isascii()]


def snake(name: str) -> str:
    """`petId`, `pet-id`, `Pet ID` -> `pet_id`; a keyword has `_` behind it, a digit `n_` before it."""
    found = "_".join(word.lower() for word in words(name))[:_LONGEST].rstrip("_") or "value"
    if found[0].isdigit():
        found = f"n_{found}"
    return f"{found}_" if keyword.iskeyword(found) else found


def pascal(name: str) -> str:
    """`pet_id` -> `PetId`."""
    found = "".join(word[:1].upper() + word[1:] for word in words(name))[:_LONGEST] or "Value"
    if found[0].isdigit():
        found = f"N{found}"
    return f"{found}Data" if found in TYPES or hasattr(builtins, found) or keyword.iskeyword(found) else found


def field(name: str) -> str:
    """A Struct's: not one of the types beside it."""
    found = snake(name)
    return f"{found}_" if found in TYPES else found


def argument(name: str) -> str:
    """A parameter's: no built-in, which the method's own lines may want."""
    found = snake(name)
    return f"{found}_" if found in TYPES or hasattr(builtins, found) or found in ("self", "body", "more") else found


def method(name: str) -> str:
    """A client's: nothing that every client has, and no built-in, which the annotations below it want."""
    found = snake(name)
    taken = found in TYPES or hasattr(builtins, found) or hasattr(Client, found) or found in CLIENTS_OWN
    return f"{found}_" if taken else found


def unlike(name: str, taken: set[str]) -> str:
    """`name`, or the first of name2, name3, ... that is not taken yet; it is taken then."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}{number}"
    taken.add(found)
    return found
