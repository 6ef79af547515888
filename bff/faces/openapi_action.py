"""What the document says of one action: its body, its key, what it may answer, and what holds of a repeated request."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bff.apps import App
from bff.composition.action_models import annotation_of
from bff.composition.signature import Parameter
from bff.faces.action import ServedAction
from bff.faces.openapi_schemas import PREFIX, Schema, doc_of
from bff.faces.openapi_screen import first_sentence, time_of
from bff.faces.openapi_security import asked_of, who_may
from bff.faces.openapi_statuses import RATE_LIMITS, REQUEST_ID, refusals
from bff.faces.rest_signature import TIMEOUT_DIGITS, TIMEOUT_PATTERN, description_of
from bff.naming import camel

_STATUSES: dict[int, str] = {
    400: "The path, a header or the body cannot be read, or the `Idempotency-Key` is missing.",
    402: "The payment was declined.",
    403: "The caller lacks a scope that the action asks for.",
    404: "What the action is about does not exist.",
    408: "The body came too slowly.",
    409: "Something stands against it; or the `Idempotency-Key` was used for another request, or its first one still runs.",
    415: "The body is not `application/json` in UTF-8.",
    500: "A fault of ours; what was done is undone.",
    502: "A backend's answer was bad; what was done is undone (`undone`), or could not be (`left`).",
    503: "A backend is not reachable, or busy; what was done is undone. Or we have too much to do.",
    504: "A backend did not answer in time; what was done is undone.",
}
_COME_BACK = (409, 502, 503, 504)

_KEY = """A word of the client's for this one request and for no other one ever, 1 to 255 visible ASCII characters; a UUID
is a good one. Whoever sends the request again, because no answer came, sends the same key: nothing is done twice. The first
one's answer is kept for 24 hours and sent again as it was (`Idempotency-Replayed: true`). A failure after which nothing was
done, or all of it undone, is not kept: the same key runs it again."""
_KEY_SCHEMA = {"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
_TIMEOUT = """How long the client waits, in milliseconds. The action's calls take no longer than this and its own budget;
undoing what was done comes on top."""
_REPLAYED = {"description": "`true` when this is the first answer of the same `Idempotency-Key`", "schema": {"type": "string"}}


class DocumentedAction:
    """One action of one app, in the words of the document. `body` is the schema of its body, when it has one."""

    def __init__(self, app: App, served: ServedAction, body: Schema | None = None) -> None:
        self.app = app
        self.served = served
        self.action = served.action
        self._body = body

    @property
    def name(self) -> str:
        return f"{self.app.name}_{self.action.name}"

    @property
    def path(self) -> str:
        """The public path, with its parameters as clients know them."""
        path = self.app.path(self.action.path)
        for name in self.action.parameters:
            path = path.replace(f"{{{name}}}", f"{{{camel(name)}}}")
        return path

    @property
    def envelope(self) -> str:
        """The name of the schema of the whole answer."""
        return f"{self.action.name[:1].upper()}{self.action.name[1:]}Answer"

    def as_fastapi(self) -> dict[str, Any]:  # Any: keyword arguments of FastAPI's decorators
        """The arguments of `app.api_route`."""
        return {
            "methods": [self.action.method],
            "name": self.name,
            "operation_id": self.name,
            "summary": first_sentence(doc_of(self.action)) or self.action.name,
            "description": self.description(),
            "tags": [self.app.name],
            "response_model": None,
            "status_code": self.action.status,
            "response_description": "Done.",
            "responses": self.responses(),
            "openapi_extra": self.extra(),
        }

    def extra(self) -> dict[str, Any]:  # Any: a part of a JSON document
        """Parameters and body, which our own reading judges and FastAPI does not."""
        found: dict[str, Any] = {
            "security": asked_of(self.app, self.action.scopes, guests=self.action.guests),
            "parameters": [
                *(_in_path(parameter) for parameter in self.served.inputs.path),
                *([_header("Idempotency-Key", _KEY, _KEY_SCHEMA, True)] if self.action.idempotent else []),
                _header("Request-Timeout", _TIMEOUT, {"pattern": TIMEOUT_PATTERN, "maxLength": TIMEOUT_DIGITS}, False),
            ],
        }
        if self._body is not None:
            found["requestBody"] = {"required": True, "content": {"application/json": {"schema": self._body}}}
        return found

    def responses(self) -> dict[int | str, dict[str, Any]]:
        """Every status by its number."""
        replayed = {"Idempotency-Replayed": _REPLAYED} if self.action.idempotent else {}
        return {
            self.action.status: {
                "content": {"application/json": {"schema": {"$ref": PREFIX + self.envelope}}},
                "headers": {"X-Request-Id": REQUEST_ID, **replayed, **RATE_LIMITS},
            },
            **refusals(_STATUSES, _COME_BACK),
        }

    def description(self) -> str:
        """The action's docstring and its rules."""
        services = ", ".join(self.served.planned.services)
        once = "Sent again with the same `Idempotency-Key` it is done once." if self.action.idempotent else ""
        who = who_may(self.action.scopes, guests=self.action.guests)
        parts = [
            doc_of(self.action),
            f"Takes at most {time_of(self.action.budget)}, and what undoing takes. {who}",
            f"Asks {services}. When a step fails, those before it are undone." if services else "",
            once,
        ]
        return "\n\n".join(part for part in parts if part)


def _header(name: str, text: str, schema: Mapping[str, object], required: bool) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": text, "schema": {"type": "string", **schema}}


def _in_path(parameter: Parameter) -> dict[str, Any]:
    schema = TypeAdapter(annotation_of(parameter.annotation)).json_schema()
    defined = schema.pop("$defs", {})
    if "$ref" in schema:  # an enum
        schema = defined[schema["$ref"].rpartition("/")[2]]
    schema.pop("title", None)
    found = {"name": camel(parameter.name), "in": "path", "required": True, "schema": schema}
    description = description_of(parameter.annotation)
    return {**found, "description": description} if description else found
