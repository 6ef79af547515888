"""The OpenAPI 3.1 document of an app: FastAPI declares the operations, our own shapes the answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.requests import Request as HttpRequest
from pydantic.json_schema import models_json_schema

from bff.apps import App
from bff.faces.openapi_models import SHARED
from bff.faces.openapi_schemas import PREFIX, Schema, Schemas, described, doc_of
from bff.faces.openapi_screen import BEARER, Documented
from bff.faces.rest import fastapi_app
from bff.faces.screen import ServedScreen
from bff.faces.wanted import FIELDS, SECTIONS

_ABOUT = """One call, one whole screen. `data` holds the screen, `meta` says honestly how each part of it was had.

- Absent means not asked (`sections`, `fields`); null means asked and not there.
- Ids are strings, times RFC 3339 in UTC, enums UPPER_CASE names, 64-bit integers strings.
- Errors are problem documents (RFC 9457); each `type` is a page that says what to do."""


def openapi(app: App, screens: Sequence[ServedScreen]) -> dict[str, Any]:  # Any: a JSON document
    """The document of all of the app's screens; deterministic, so that it can be committed and compared."""
    document = fastapi_app(app, screens, raw_of=_unserved, ids_of=_unserved).openapi()
    document["info"]["description"] = _ABOUT
    document["tags"] = [{"name": app.name, "description": f"The screens of {app.title or app.name}."}]
    for path in document["paths"].values():
        for parameter in path["get"].get("parameters", ()):
            _tidy(parameter)
    of_inputs = document.get("components", {}).get("schemas", {})  # FastAPI's own, of enums that are inputs
    document["components"] = {
        "schemas": {**of_inputs, **_schemas(app, screens, of_inputs)},
        "securitySchemes": {
            BEARER: {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "a signed token of one of the issuers that this gateway trusts",
            }
        },
    }
    return document


def _unserved(request: HttpRequest) -> Any:  # Any: it never returns
    raise RuntimeError(f"this app is only there to be documented, not to serve {request.url.path}")


def _schemas(app: App, screens: Sequence[ServedScreen], of_inputs: Mapping[str, Schema]) -> dict[str, Schema]:
    _, shared = models_json_schema([(model, "validation") for model in SHARED], ref_template=PREFIX + "{model}")
    found: dict[str, Schema] = dict(sorted(shared["$defs"].items()))
    for schema in found.values():
        _without_defaults(schema)
    envelopes = {Documented(app, served).envelope: served for served in screens}
    there = {**of_inputs, **found, **dict.fromkeys(envelopes, Schema())}
    schemas = Schemas(there, [field for served in screens for field in served.plan.fields])
    for name, served in envelopes.items():
        found[name] = _envelope(schemas, served)
    return {**found, **schemas.named}


def _envelope(schemas: Schemas, served: ServedScreen) -> Schema:
    data = described(schemas.ref(served.screen.type), "Whole unless `sections` or `fields` leave parts out.")
    return described(
        {
            "type": "object",
            "properties": {"data": data, "meta": {"$ref": PREFIX + "Meta"}},
            "required": ["data", "meta"],
            "additionalProperties": False,
        },
        doc_of(served.screen.type),
    )


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
    parameter["schema"] = schema | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})
    if parameter["in"] == "query" and parameter["name"] in (SECTIONS, FIELDS):
        parameter |= {"style": "form", "explode": False}
