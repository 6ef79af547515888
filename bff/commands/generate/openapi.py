"""An OpenAPI document (3.0 or 3.1, as JSON) to the messages and operations of its service."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from bff.commands.generate import names
from bff.commands.generate.scalars import TEXT
from bff.commands.generate.schemas import Schema, Schemas, told
from bff.commands.generate.shapes import Described, Operation, Parameter, Type, used
from bff.errors import Refusal

VERBS = ("get", "post", "put", "patch", "delete")
NOTHING = Type("None")
# What the runtime sends itself, and what a method has a word of its own for.
OWN_HEADERS = frozenset(
    {"authorization", "accept", "content-type", "traceparent", "request-timeout", "x-request-id", "idempotency-key"}
)
_IN_BRACES = re.compile(r"\{([^}]*)\}")


def read(file: Path, client: str) -> Described:
    """What the document describes, for a client class of that name; Refusal if it cannot be read as OpenAPI 3."""
    try:
        document = json.loads(file.read_text())
    except OSError as error:
        raise Refusal([f"{file}: {error.strerror}; give the path of an OpenAPI document"]) from error
    except ValueError as error:
        raise Refusal([f"{file} is not JSON ({error}); write a YAML document as JSON first"]) from error
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise Refusal([f"{file} is no OpenAPI 3 document: it has no openapi: 3.x; convert Swagger 2.0 first"])
    try:
        return _Reader(document, client).described()
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refusal([f"{file} is not as OpenAPI 3 has it ({error!r}); check it with a linter of OpenAPI"]) from error


class _Reader:
    def __init__(self, document: Schema, client: str) -> None:
        self._document = document
        self._schemas = Schemas(document, {client})
        self._methods: set[str] = set()
        self._left_out: list[str] = []

    def described(self) -> Described:
        found = list(self._operations())
        made = [(operation, self._operation(where, operation)) for where, operation in found]
        # bodies were read first (schemas.py), now what is answered
        for operation, method in made:
            if method is not None:
                method.answer = self._answer(operation, method)
        operations = [method for _, method in made if method is not None and not self._unread(method)]
        if not operations:
            raise Refusal(["the document has no operation that a client can be made of", *self._left_out])
        title = " ".join(str(self._document.get("info", {}).get("title", "")).split())
        messages = used(self._schemas.messages, operations)
        return Described(title, messages, operations, [*self._left_out, *self._schemas.left_out])

    def _operations(self) -> Iterator[tuple[tuple[str, str], Schema]]:
        for path, item in self._document.get("paths", {}).items():
            shared = self._schemas.resolve(item)
            for verb, operation in shared.items():
                if verb in VERBS:
                    parameters = [*shared.get("parameters", ()), *operation.get("parameters", ())]
                    yield (verb, path), {**operation, "parameters": parameters}
                elif verb in ("head", "options", "trace"):
                    self._left_out.append(f"{verb.upper()} {path}: a client reads by GET and writes by {', '.join(VERBS[1:])}")

    def _operation(self, where: tuple[str, str], operation: Schema) -> Operation | None:
        """The method without its answer; None if it takes what a client cannot send."""
        verb, path = where
        name = operation.get("operationId") or _named(verb, path)
        try:
            parameters = self._parameters(operation, where)
            body, required = self._body(operation, where, name)
        except _LeftOut as reason:
            self._left_out.append(f"{verb.upper()} {path}: {reason}")
            return None
        by_wire = {parameter.wire: parameter.name for parameter in parameters if parameter.where == "path"}
        python = _IN_BRACES.sub(lambda word: "{" + by_wire.get(word[1], names.argument(word[1])) + "}", path)
        if missing := [word for word in _IN_BRACES.findall(path) if word not in by_wire]:
            raise Refusal([f"{verb.upper()} {path}: nothing says what {', '.join(missing)} is; give it under `parameters`"])
        made = names.unlike(names.method(name), self._methods)
        return Operation(made, verb, python, NOTHING, parameters, body, required, told(operation))

    def _parameters(self, operation: Schema, where: tuple[str, str]) -> list[Parameter]:
        found: dict[tuple[str, str], Parameter] = {}
        taken: set[str] = set()
        for given in operation["parameters"]:
            fact = self._schemas.resolve(given)
            place, wire, required = fact["in"], fact["name"], bool(fact.get("required"))
            if wire.lower() == "idempotency-key" and where[0] == "post":
                found[place, wire] = Parameter("idempotency_key", "idempotency_key", TEXT, "header", required)
                continue
            if place in ("header", "cookie"):
                self._header(wire, where, place, required)
                continue
            kind = self._schemas.type(fact.get("schema", {"type": "string"}), f"{wire} parameter")
            if kind.record or kind.text.startswith("dict[") or (kind.item is not None and kind.item.names()):
                if required:
                    raise _LeftOut(f"{place} {wire} is an object, which has no one form in a query")
                self._left_out.append(f"{where[0].upper()} {where[1]}: without {place} {wire}, an object")
                continue
            joined = kind.item is not None and (place == "path" or fact.get("explode") is False)
            found[place, wire] = Parameter(names.argument(wire), wire, kind, place, required or place == "path", joined)
        # a word in the path is an argument too, so none of the query may have its name
        ordered = sorted(found.values(), key=lambda one: one.where != "path")
        queried = {one.wire for one in ordered if one.where == "query"}
        for parameter in ordered:
            parameter.name = names.unlike(parameter.name, taken | queried if parameter.where == "path" else taken)
            taken.add(parameter.name)
        return sorted(found.values(), key=lambda one: (not one.required, one.where != "path"))

    def _header(self, wire: str, where: tuple[str, str], place: str, required: bool) -> None:
        if wire.lower() in OWN_HEADERS:
            return
        if required:
            raise _LeftOut(f"it needs the {place} {wire}, which a client does not send")
        self._left_out.append(f"{where[0].upper()} {where[1]}: without the {place} {wire}")

    def _body(self, operation: Schema, where: tuple[str, str], name: str) -> tuple[Type | None, bool]:
        if "requestBody" not in operation:
            return None, False
        body = self._schemas.resolve(operation["requestBody"])
        required = bool(body.get("required"))
        content = _json_of(body.get("content", {}))
        if content is None or where[0] in ("get", "delete"):
            if not required:
                self._left_out.append(f"{where[0].upper()} {where[1]}: without its body, which need not be")
                return None, False
            raise _LeftOut(f"its body is {', '.join(body.get('content', {})) or 'nothing'}, and a client writes JSON")
        if "application/json" not in body["content"]:
            self._left_out.append(f"{where[0].upper()} {where[1]}: the body is sent as application/json, not as described")
        return self._schemas.type(content.get("schema", {}), f"{name} body", sent=True), required

    def _answer(self, operation: Schema, method: Operation) -> Type:
        """The type of the first answer in 2xx that has a body; one without text for a body that is no JSON."""
        answers = operation.get("responses", {})
        good = sorted(status for status in answers if status.startswith("2"))
        for status in good or ["default"] * ("default" in answers):
            content = self._schemas.resolve(answers[status]).get("content", {})
            if not content:
                continue
            found = _json_of(content)
            if found is None:
                return Type("", note=", ".join(content))
            kind = self._schemas.type(found.get("schema", {}), f"{method.name} answer")
            if not kind.is_class and kind.text != "Any":
                self._left_out.append(f"{method.verb.upper()} {method.path}: its answer is {kind.text}: it is Json, unread")
            return kind
        return NOTHING

    def _unread(self, method: Operation) -> bool:
        if method.answer.text:
            return False
        self._left_out.append(f"{method.verb.upper()} {method.path}: it answers {method.answer.note}, and a client reads JSON")
        return True


class _LeftOut(Exception):
    """No method can be made of this operation."""


def _json_of(content: Schema) -> Schema | None:
    for media, found in content.items():
        kind = media.partition(";")[0].strip().lower()
        if kind in ("application/json", "*/*", "application/*") or kind.endswith("+json"):
            return found if isinstance(found, dict) else {}
    return None


def _named(verb: str, path: str) -> str:
    """For an operation without an id: `GET /pets/{pet_id}/toys` is `get_pets_toys_by_pet_id`."""
    plain = [part for part in path.split("/") if part and "{" not in part]
    given = _IN_BRACES.findall(path)
    return "_".join([verb, *plain, *(["by", *given] if given else [])])
