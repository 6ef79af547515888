"""JSON Schema, as OpenAPI 3.0 and 3.1 write it, to types: the messages that are used, and no others."""

import re
from typing import Any, TypeAlias

from bff.commands.generate import names
from bff.commands.generate.scalars import ANYTHING, FORMATS, SCALARS, TEXT, quoted, words
from bff.commands.generate.shapes import Field, Message, Type
from bff.errors import Refusal

Schema: TypeAlias = dict[str, Any]  # Any: JSON


# What msgspec takes in no field's name on the wire.
_UNWRITABLE = re.compile(r'["\\\x00-\x1f]')
# By how Python writes a plain type: what JSON gives for a value of it. A document's own default may be of another.
PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


class Schemas:
    """The types of one document. A message is made when it is first met, and named by its reference or its place.

    So give it what is sent first: what a message that is sent may leave out, one that is read may lack.
    """

    def __init__(self, document: Schema, taken: set[str]) -> None:
        self.messages: dict[str, Message] = {}
        self.left_out: list[str] = []
        self._document = document
        self._taken = taken
        self._known: dict[str, Type] = {}  # by reference
        self._open: set[str] = set()  # references under way: one that is met again is no message, and holds itself

    def resolve(self, found: Schema) -> Schema:
        """What a `$ref` of this document leads to; Refusal for one that leads elsewhere or nowhere."""
        seen: list[str] = []
        while "$ref" in found:
            reference = found["$ref"]
            if not reference.startswith("#/") or reference in seen:
                raise Refusal([f"$ref {reference}: only references inside the document are followed; bundle it into one file"])
            seen.append(reference)
            found = self._document
            for part in reference[2:].split("/"):
                step = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(found, dict) or step not in found:
                    raise Refusal([f"$ref {reference} leads nowhere; mend the document"])
                found = found[step]
        return found

    def type(self, schema: Schema | bool, place: str, *, sent: bool = False) -> Type:
        """The type of a schema; `place` names a message that has no name of its own. `sent` is what a body is made of."""
        if not isinstance(schema, dict) or not schema:
            return ANYTHING
        if "$ref" in schema:
            return self._referred(schema["$ref"], sent)
        if "allOf" in schema:
            return self._all_of(schema, place, sent)
        if "anyOf" in schema or "oneOf" in schema:
            return self._one_of(schema, place, sent)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        nullable = schema.get("nullable") is True or "null" in kinds or None in schema.get("enum", ())
        kinds = [kind for kind in kinds if kind != "null"]
        found = self._plain(schema, kinds, place, sent)
        return found.or_none() if nullable else found

    def _plain(self, schema: Schema, kinds: list[str], place: str, sent: bool) -> Type:
        if "const" in schema or "enum" in schema:
            return words([schema["const"]] if "const" in schema else schema["enum"])
        if len(kinds) > 1:
            return self._union([SCALARS.get(kind, TEXT if kind == "string" else ANYTHING) for kind in kinds], place)
        kind = kinds[0] if kinds else "object" if "properties" in schema else "array" if "items" in schema else ""
        match kind:
            case "string":
                return FORMATS.get(schema.get("format", ""), TEXT)
            case "integer" | "number" | "boolean":
                return SCALARS[kind]
            case "array":
                item = self.type(schema.get("items", {}), f"{place} item", sent=sent)
                return Type(f"list[{item.text}]", item=item)
            case "object":
                return self._object(schema, place, sent)
        return ANYTHING

    def _object(self, schema: Schema, place: str, sent: bool) -> Type:
        if schema.get("properties"):
            return self._message(names.unlike(names.pascal(place), self._taken), schema, sent)
        more = schema.get("additionalProperties", True)
        item = self.type(more, f"{place} value", sent=sent)
        return Type(f"dict[str, {item.text}]", item=item)

    def _referred(self, reference: str, sent: bool) -> Type:
        known = self._known.get(reference)
        if known is not None:
            return known
        if reference in self._open:
            self.left_out.append(f"{reference} is made of itself: it is Any where it is met again")
            return ANYTHING
        schema = self.resolve({"$ref": reference})
        name = reference.rpartition("/")[2]
        merged = (
            self._merged(schema) if len(schema.get("allOf", ())) > 1 or schema.keys() >= {"allOf", "properties"} else schema
        )
        if merged.get("properties") and not {"oneOf", "anyOf", "allOf"} & merged.keys():
            made = names.unlike(names.pascal(name), self._taken)
            found = Type(made, record=made)
            found = found.or_none() if merged.get("nullable") is True else found
            self._known[reference] = found  # before its fields, which may hold it
            self._message(made, merged, sent)
            return found
        self._open.add(reference)
        found = self._known[reference] = self.type(schema, name, sent=sent)
        self._open.discard(reference)
        return found

    def _message(self, name: str, schema: Schema, sent: bool) -> Type:
        required = set(schema.get("required", ()))
        message = Message(name, doc=told(schema), sent=sent)
        self.messages[name] = message
        taken: set[str] = set()
        for wire, inner in schema["properties"].items():
            if _UNWRITABLE.search(wire):
                self.left_out.append(f"{name} {wire!r}: no Struct can have a field of that name")
                continue
            kind = self.type(inner, f"{name} {wire}", sent=sent)
            made = Field(names.unlike(names.field(wire), taken), wire, kind)
            facts = inner if isinstance(inner, dict) else {}
            if wire not in required or (sent and facts.get("readOnly") is True):
                _leave_out(made, facts, sent)
            message.fields.append(made)
        message.fields.sort(key=lambda one: one.default is not None)
        return Type(name, record=name)

    def _all_of(self, schema: Schema, place: str, sent: bool) -> Type:
        parts = schema["allOf"]
        if len(parts) == 1 and not schema.get("properties"):  # how 3.0 says `nullable` or a description beside a $ref
            found = self.type(parts[0], place, sent=sent)
            return found.or_none() if schema.get("nullable") is True else found
        return self.type(self._merged(schema), place, sent=sent)

    def _merged(self, schema: Schema) -> Schema:
        """One schema with what all parts of an allOf have; a later part's word on a property counts."""
        whole: Schema = {name: value for name, value in schema.items() if name != "allOf"}
        properties: Schema = {}
        required: list[str] = []
        for part in [*schema["allOf"], whole]:
            inner = self.resolve(part)
            inner = self._merged(inner) if "allOf" in inner else inner
            properties |= inner.get("properties", {})
            required += inner.get("required", ())
            whole = {**inner, **whole}
        return {**whole, "properties": properties, "required": required} if properties else whole

    def _one_of(self, schema: Schema, place: str, sent: bool) -> Type:
        told_by = "oneOf" if "oneOf" in schema else "anyOf"
        kinds = [(self.resolve(part).get("type"), part) for part in schema[told_by]]
        chosen = [part for kind, part in kinds if kind != "null"]
        if len(chosen) == 1:
            found = self.type(chosen[0], place, sent=sent)
        elif all(kind in ("string", *SCALARS) for kind, _ in kinds):
            found = self._union([self.type(part, place, sent=sent) for part in chosen], place)
        else:
            self.left_out.append(f"{place} is {told_by} of {len(chosen)}: it is read as it comes; narrow it by hand")
            found = Type("Any", {}, "{}", note=f"{told_by} of {len(chosen)}: narrow it by hand")
        return found.or_none() if schema.get("nullable") is True or len(chosen) < len(kinds) else found

    def _union(self, types: list[Type], place: str) -> Type:
        """Of scalars; msgspec tells them apart by JSON's own types, so there is one of text."""
        by_text = {one.text: one for one in types}
        texts = [text for text in by_text if text not in ("int", "float", "bool", "None")]
        if len(texts) > 1:
            self.left_out.append(f"{place} is one of {', '.join(texts)}, which JSON writes alike: it is Any")
            return ANYTHING
        first = types[0]
        return Type(" | ".join(by_text), first.json, first.code)


def _leave_out(made: Field, schema: Schema, sent: bool) -> None:
    """Give a field that may be absent its default: the schema's own where that is plain, else an empty list, else None."""
    default = schema.get("default")
    kind = made.type.text
    plain = type(default) in PLAIN.get(kind, ()) or (
        kind.startswith("Literal[") and f" {quoted(default)}," in f" {kind[8:-1]},"
    )
    if not sent and plain:
        made.default = quoted(default)
    elif not sent and kind.startswith(("list[", "dict[")) and not made.type.optional:
        made.default = "[]" if kind.startswith("list[") else "{}"
    else:
        made.type = made.type.or_none()
        made.default = "None"


def told(facts: Schema) -> str:
    """What the description says of it, in one line."""
    text = facts.get("summary") or facts.get("description") or ""
    return " ".join(str(text).strip().split("\n\n")[0].split())
