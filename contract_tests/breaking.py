"""What in a new contract breaks a client that was written against the old one, named simply, one line a change."""

from collections.abc import Iterator
from typing import Any

from graphql import build_schema, find_breaking_changes

Document = dict[str, Any]  # Any: JSON
Places = dict[str, str]  # a place in the document -> its type as text

REQUIRED = " (required)"
ABSENT = " (or absent)"


def breaking_in_sdl(old: str, new: str) -> list[str]:
    """By GraphQL's own rules: removed types, fields, arguments; what became required or nullable; changed types."""
    return [change.description for change in find_breaking_changes(build_schema(old), build_schema(new))]


def breaking_in_openapi(old: Document, new: Document) -> list[str]:
    """Removed operations, statuses, fields and inputs; fields that may be absent; new required inputs; changed types."""
    return [*_outputs(_answers(old), _answers(new)), *_inputs(_taken(old), _taken(new))]


def _outputs(old: Places, new: Places) -> Iterator[str]:
    for place, kind in old.items():
        if place not in new:
            yield f"{place} was removed"
        elif new[place] == kind + ABSENT:
            yield f"{place} may be absent now"
        elif new[place] not in (kind, kind.removesuffix(ABSENT)):
            yield f"{place} changed from {kind} to {new[place]}"


def _inputs(old: Places, new: Places) -> Iterator[str]:
    for place, kind in old.items():
        if place not in new:
            yield f"{place} was removed"
        elif _required(new[place]) and not _required(kind):
            yield f"{place} was made required"
        elif kind.removesuffix(REQUIRED) != new[place].removesuffix(REQUIRED):
            yield f"{place} changed from {kind} to {new[place]}"
    operations = {place.partition(" takes ")[0] for place in old}
    for place, kind in new.items():
        if place not in old and _required(kind) and place.partition(" takes ")[0] in operations:
            yield f"{place} is new and required"


def _required(kind: str) -> bool:
    return kind.endswith(REQUIRED)


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _taken(document: Document) -> Places:
    """Every input of every operation. Each word of an enum is a place: a further word breaks nobody who sends the others."""
    found: Places = {}

    def note(schema: Document, place: str, required: bool) -> None:
        found[place] = _kind(schema, document, words=False) + (REQUIRED if required else "")
        for _, inner in _objects(schema, document):
            found.update({f"{place} as {word}": "" for word in inner.get("enum", ())})

    def walk(schema: Document, place: str, required: bool, above: tuple[str, ...]) -> None:
        note(schema, place, required)
        for name, inner in _objects(schema, document):
            if name in above:
                continue
            for key, member in inner.get("properties", {}).items():
                walk(member, f"{place}.{key}", key in inner.get("required", ()), (*above, name) if name else above)
            if isinstance(inner.get("items"), dict):
                walk(inner["items"], f"{place}[]", False, (*above, name) if name else above)

    for name, operation in _operations(document):
        found[f"{name} takes nothing else"] = ""  # so that an operation without inputs is known too
        for parameter in operation.get("parameters", ()):
            note(parameter["schema"], f"{name} takes {parameter['in']} {parameter['name']}", bool(parameter.get("required")))
        body = operation.get("requestBody", {})
        for media, content in body.get("content", {}).items():
            walk(content.get("schema", {}), f"{name} takes {media} $", bool(body.get("required")), ())
    return found


def _answers(document: Document) -> Places:
    """Every place in every answer, with its type; a type that holds itself is followed once."""
    found: Places = {}

    def walk(schema: Document, place: str, above: tuple[str, ...], absent: str = "") -> None:
        found[place] = _kind(schema, document) + absent
        for name, inner in _objects(schema, document):
            if name in above:
                continue
            for key, member in inner.get("properties", {}).items():
                walk(member, f"{place}.{key}", (*above, name), "" if key in inner.get("required", ()) else ABSENT)
            if isinstance(inner.get("items"), dict):
                walk(inner["items"], f"{place}[]", (*above, name) if name else above)
            if isinstance(inner.get("additionalProperties"), dict):
                walk(inner["additionalProperties"], f"{place}.*", (*above, name))

    for name, operation in _operations(document):
        found[name] = "operation"
        for status, answer in operation["responses"].items():
            for media, content in answer.get("content", {}).items():
                walk(content.get("schema", {}), f"{name} {status} {media} $", ())
    return found


def _objects(schema: Document, document: Document) -> Iterator[tuple[str, Document]]:
    """The alternatives of a schema, references followed, each with the name it is referred by."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield name, document["components"]["schemas"][name]
    elif "anyOf" in schema:
        for choice in schema["anyOf"]:
            yield from _objects(choice, document)
    else:
        yield "", schema


def _kind(schema: Document, document: Document, *, words: bool = True) -> str:
    """A type as text: what a client's code depends on, and nothing of descriptions or limits."""
    kinds: list[str] = []
    for _, inner in _objects(schema, document):
        kind = inner.get("type", "anything")
        kinds += kind if isinstance(kind, list) else [kind]
        kinds += [inner["format"]] if "format" in inner else []
        kinds += sorted(inner.get("enum", ())) if words else ["enum"] * ("enum" in inner)
    return " | ".join(kinds)
