"""The OpenAPI 3.1 document of an app: FastAPI declares the operations, our own shapes the answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi.requests import Request as HttpRequest
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bff.apps import App
from bff.faces.action import ServedAction
from bff.faces.openapi_action import DocumentedAction
from bff.faces.openapi_models import SHARED
from bff.faces.openapi_schemas import PREFIX, Schema, Schemas, described, doc_of
from bff.faces.openapi_screen import Documented
from bff.faces.openapi_security import schemes
from bff.faces.rest import fastapi_app
from bff.faces.screen import ServedScreen
from bff.faces.wanted import FIELDS, SECTIONS

_ABOUT = """One call, one whole screen. `data` holds the screen, `meta` says honestly how each part of it was had.

- Absent means not asked (`sections`, `fields`); null means asked and not there.
- Ids are strings, times RFC 3339 in UTC, enums UPPER_CASE names, 64-bit integers strings.
- Errors are problem documents (RFC 9457); each `type` is a page that says what to do."""
_ABOUT_ACTIONS = (
    """- An action is done whole or not at all: when a step fails, those before it are undone, and what could not be is told."""
)
# What the guard (bff/gateway/guard.py) lets through between two slashes: no slash, backslash, percent sign or NUL, which
# have another meaning at one reader or another however they are encoded, and neither "." nor "..". Without a look-ahead.
_SEGMENT = r"^(\.*[^./\\%\x00][^/\\%\x00]*|\.{3,})$"
# Text of which it is told already what it looks like.
_TOLD = frozenset({"enum", "const", "format", "pattern"})
_LEFT_OUT = "Whole unless `sections` or `fields` leave parts out."


def openapi(
    app: App, screens: Sequence[ServedScreen], actions: Sequence[ServedAction] = ()
) -> dict[str, Any]:  # Any: a JSON document
    """The document of all of the app's screens and actions; deterministic, so that it can be committed and compared."""
    bodies, sent = _bodies(actions)
    api = fastapi_app(app, screens, raw_of=_unserved, ids_of=_unserved, actions=actions, bodies=bodies)
    document = api.openapi()
    document["info"]["description"] = f"{_ABOUT}\n{_ABOUT_ACTIONS}" if actions else _ABOUT
    what = "screens and actions" if actions else "screens"
    document["tags"] = [{"name": app.name, "description": f"The {what} of {app.title or app.name}."}]
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                _tidy(parameter)
    of_inputs = document.get("components", {}).get("schemas", {})  # FastAPI's own, of enums that are inputs
    document["components"] = {
        "schemas": {**of_inputs, **sent, **_schemas(app, screens, actions, {**of_inputs, **sent})},
        "securitySchemes": schemes(app),
    }
    return document


def _unserved(request: HttpRequest) -> Any:  # Any: it never returns
    raise RuntimeError(f"this app is only there to be documented, not to serve {request.url.path}")


def _bodies(actions: Sequence[ServedAction]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The schemas of the actions' bodies by the actions' names, and the named schemas that those refer to."""
    models: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (served.inputs.model, "validation") for served in actions if served.inputs.body
    ]
    found, shared = models_json_schema(models, ref_template=PREFIX + "{model}")
    named: dict[str, Schema] = dict(sorted(shared.get("$defs", {}).items()))
    for schema in named.values():
        _without_titles(schema)
    return {one.action.name: found[one.inputs.model, "validation"] for one in actions if one.inputs.body}, named


def _schemas(
    app: App, screens: Sequence[ServedScreen], actions: Sequence[ServedAction], there: Mapping[str, Schema]
) -> dict[str, Schema]:
    _, shared = models_json_schema([(model, "validation") for model in SHARED], ref_template=PREFIX + "{model}")
    found: dict[str, Schema] = dict(sorted(shared["$defs"].items()))
    for schema in found.values():
        _without_defaults(schema)
    envelopes = {Documented(app, served).envelope: (served.screen.type, _LEFT_OUT) for served in screens}
    envelopes |= {DocumentedAction(app, done).envelope: (done.planned.type, "") for done in actions}
    schemas = Schemas(
        {**there, **found, **dict.fromkeys(envelopes, Schema())}, [field for one in screens for field in one.plan.fields]
    )
    for name, (cls, about) in envelopes.items():
        found[name] = _envelope(schemas, cls, about)
    return {**found, **schemas.named}


def _envelope(schemas: Schemas, cls: type, about: str) -> Schema:
    data = described(schemas.ref(cls), about)
    return described(
        {
            "type": "object",
            "properties": {"data": data, "meta": {"$ref": PREFIX + "Meta"}},
            "required": ["data", "meta"],
            "additionalProperties": False,
        },
        doc_of(cls),
    )


def _without_titles(schema: Schema) -> None:
    schema.pop("title", None)
    for member in schema.get("properties", {}).values():
        member.pop("title", None)


def _without_defaults(schema: Schema) -> None:
    """A member that is not known is absent, not "" or 0: the models' defaults only say that it may be absent."""
    for member in schema.get("properties", {}).values():
        member.pop("default", None)
        member.pop("title", None)


def _tidy(parameter: dict[str, Any]) -> None:
    """What FastAPI says of a parameter, as a client can use it: lists of ours joined by commas, and never a null."""
    schema = parameter["schema"]
    for twin in ("title", "description"):
        schema.pop(twin, None)
    choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
    schema |= choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}
    if parameter["in"] == "query" and parameter["name"] in (SECTIONS, FIELDS):
        parameter |= {"style": "form", "explode": False}
    if parameter["in"] == "path" and schema.get("type") == "string" and not schema.keys() & _TOLD:
        schema["pattern"] = _SEGMENT
