"""JSON Schemas of screen types, from the same shapes that the renderer walks: camelCase, enums by name, Int64 as text.

`sections` and `fields` are the client's to choose, so any attribute can be left out of an answer: none is `required`.
`x-whole` lists what is there when nothing was left out, which is all of them; null means asked and not there.
"""

import inspect
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any
from uuid import UUID

from bff.composition.field import Field
from bff.composition.screen_type import declared
from bff.composition.shape import Shape, attributes
from bff.naming import camel

Schema = dict[str, Any]  # Any: JSON Schema is JSON of any shape

PREFIX = "#/components/schemas/"
WHOLE = "x-whole"

# Subclasses before the classes they derive from: bool is an int, datetime a date.
_PLAIN: tuple[tuple[type, Schema], ...] = (
    (bool, {"type": "boolean"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (datetime, {"type": "string", "format": "date-time"}),
    (date, {"type": "string", "format": "date"}),
    (time, {"type": "string", "format": "time"}),
    (UUID, {"type": "string", "format": "uuid"}),
    (str, {"type": "string"}),
)


class Schemas:
    """The named schemas of one document: `of(shape)` gives a schema and adds every named one that it refers to.

    `there` are those that the document has already, by name.
    """

    def __init__(self, there: Mapping[str, Schema], fields: Iterable[Field] = ()) -> None:
        self.named: dict[str, Schema] = {}
        self._there = there
        self._taken = set(there)
        self._names: dict[type, str] = {}
        self._fields: Mapping[tuple[type, str], Field] = {(field.item, field.name): field for field in fields}

    def of(self, shape: Shape) -> Schema:
        """The schema of one value."""
        schema = self._inner(shape)
        return _or_null(schema) if shape.nullable else schema

    def ref(self, cls: type) -> Schema:
        """A reference to the schema of a screen type or an enum, which is added if it is new."""
        if cls not in self._names and self._is_there(cls):
            self._names[cls] = cls.__name__
        if cls not in self._names:
            name = self._names[cls] = self._free_name(cls)
            self.named[name] = {}  # keeps its place while a type that holds itself is walked
            self.named[name] = self._enum(cls) if issubclass(cls, Enum) else self._object(cls)
        return {"$ref": PREFIX + self._names[cls]}

    def _inner(self, shape: Shape) -> Schema:
        match shape.kind:
            case "list" if shape.item is not None:
                return {"type": "array", "items": self.of(shape.item)}
            case "object" | "enum":
                return self.ref(shape.type)
            case "int64":
                return {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
            case "decimal":
                return {"type": "string", "format": "decimal"}
            case "json":
                return {"description": "JSON of any shape: a backend's own, passed on as it is"}
            case _:
                return next((dict(schema) for plain, schema in _PLAIN if issubclass(shape.type, plain)), {})

    def _object(self, cls: type) -> Schema:
        shown = attributes(cls)
        schema: Schema = {
            "type": "object",
            "properties": {camel(name): self._attribute(cls, name, shape) for name, shape in shown.items()},
            "additionalProperties": False,
            WHOLE: [camel(name) for name in shown],
        }
        return described(schema, doc_of(cls))

    def _attribute(self, cls: type, name: str, shape: Shape) -> Schema:
        schema = self.of(shape)
        attribute = next(attribute for attribute in declared(cls) if attribute.name == name)
        parts = [attribute.description or ""]
        if (cls, name) in self._fields:
            parts += [
                doc_of(self._fields[cls, name]),
                f"Filled from another backend, for all items at once. When that fails it is null, and `meta` names it "
                f"`<section>.{camel(name)}`.",
            ]
        if attribute.deprecated:
            schema["deprecated"] = True
            parts.append(f"Deprecated: {attribute.deprecated}")
        return described(schema, "\n\n".join(part for part in parts if part))

    def _enum(self, cls: type[Enum]) -> Schema:
        return described({"type": "string", "enum": [member.name for member in cls]}, doc_of(cls))

    def _is_there(self, cls: type) -> bool:
        """Whether this is an enum that FastAPI has described, for an input, with the words that answers use too."""
        described_there = self._there.get(cls.__name__, {}).get("enum")
        return issubclass(cls, Enum) and described_there == [member.name for member in cls]

    def _free_name(self, cls: type) -> str:
        """The class's own name; with its module before it when another has taken that."""
        module = cls.__module__.rpartition(".")[2]
        name = cls.__name__ if cls.__name__ not in self._taken else f"{module}_{cls.__name__}"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def doc_of(thing: object) -> str:
    """What its author wrote of it; nothing for the texts that Python writes for dataclasses and enums by itself."""
    written = getattr(thing, "__doc__", None) or ""
    name = getattr(thing, "__name__", "")
    if written.startswith(f"{name}(") or (isinstance(thing, type) and issubclass(thing, Enum) and written == Enum.__doc__):
        return ""
    return inspect.cleandoc(written)


def described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description} if description else schema


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if not schema.get("$ref"):
        return schema  # JSON of any shape may be null anyway
    return {"anyOf": [schema, {"type": "null"}]}
