"""The OpenAPI document: it is whole, it says what a frontend developer must know, and the answers keep to it."""

import re
from collections.abc import Iterator
from dataclasses import make_dataclass, replace
from enum import Enum
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from bff import Json
from bff.apps import Identity
from bff.composition.shape import shape_of
from bff.faces.openapi import openapi
from bff.faces.openapi_schemas import Schemas
from bff.faces.problems import Problem
from bff.gateway.guard import Guard
from bff.gateway.request import Request
from bff.settings import LimitSettings
from tests.faces.rest_fakes import served
from tests.faces.rest_gateway import DISPATCHED
from tests.faces.rest_screens import SHOP
from tests.faces.test_rest_corpus import CORPUS, Case, ask

Document = dict[str, Any]  # Any: a JSON document


@pytest.fixture(scope="module")
def document() -> Document:
    return openapi(SHOP, served())


def get(document: Document, path: str) -> Document:
    operation: Document = document["paths"][f"/shop/v1{path}"]["get"]
    return operation


def parameter(operation: Document, name: str) -> Document:
    found: Document = next(one for one in operation["parameters"] if one["name"] == name)
    return found


def test_it_is_openapi_3_1_of_every_screen(document: Document) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "The shop"
    assert {path: list(methods) for path, methods in document["paths"].items()} == {
        "/shop/v1/home": ["get"],
        "/shop/v1/orders/{orderId}": ["get"],
        "/shop/v1/search": ["get"],
        "/shop/v1/staff": ["get"],
    }
    assert [get(document, path)["operationId"] for path in ("/home", "/orders/{orderId}")] == ["shop_home", "shop_order"]
    assert get(document, "/home")["tags"] == ["shop"]
    orjson.dumps(document)  # nothing in it but JSON


def test_it_is_the_same_every_time(document: Document) -> None:
    assert orjson.dumps(openapi(SHOP, served())) == orjson.dumps(document)


def test_every_reference_leads_somewhere(document: Document) -> None:
    def references(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for below in value.values():
                yield from references(below)
        elif isinstance(value, list):
            for below in value:
                yield from references(below)

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_every_status_is_documented(document: Document) -> None:
    for path in document["paths"].values():
        responses = path["get"]["responses"]
        refused = [400, 401, 403, 404, 406, 413, 414, 421, 422, 429, 431, 500, 502, 503, 504]
        assert list(responses) == ["200", *map(str, refused)]
        for status, response in responses.items():
            if status == "431":  # mostly the server's own, which has no body
                assert "content" not in response
                continue
            kind = "application/json" if status == "200" else "application/problem+json"
            assert list(response["content"]) == [kind]
            assert response["description"]
        assert "BFF-Sections" in responses["200"]["headers"]
        assert "Retry-After" in responses["503"]["headers"]
        assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= responses["429"]["headers"].keys()
        assert "WWW-Authenticate" in responses["401"]["headers"]


def test_inputs_have_the_clients_names_their_bounds_and_their_text(document: Document) -> None:
    size = parameter(get(document, "/search"), "pageSize")
    assert size == {
        "name": "pageSize",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
    }
    order_id = parameter(get(document, "/orders/{orderId}"), "orderId")
    assert (order_id["in"], order_id["required"]) == ("path", True)
    assert order_id["description"] == "as the app shows it"
    assert parameter(get(document, "/search"), "near")["schema"] == {"type": "string", "format": "uuid"}
    assert parameter(get(document, "/search"), "sizes")["schema"]["maxItems"] == 2
    assert parameter(get(document, "/home"), "fields")["explode"] is False
    assert parameter(get(document, "/home"), "Request-Timeout")["in"] == "header"


def test_types_are_as_rest_writes_them(document: Document) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["HomeAnswer"]["required"] == ["data", "meta"]
    assert schemas["Tier"]["enum"] == ["GOLD", "GREY"]
    line = schemas["Line"]["properties"]
    assert line["total"]["type"] == "string"
    assert line["placed"] == {"type": "string", "format": "date-time"}
    assert line["price"]["description"] == "what one of them costs"
    assert line["rating"]["type"] == ["number", "null"]
    assert "`meta` names it `<section>.rating`" in line["rating"]["description"]
    assert schemas["Card"]["properties"]["badge"]["anyOf"][1] == {"type": "null"}
    assert schemas["Card"]["properties"]["similar"]["items"] == {"$ref": "#/components/schemas/Card"}
    assert schemas["Outcome"]["properties"]["status"]["enum"][:4] == ["ok", "cached", "stale", "fallback"]
    assert "retryAfter" in schemas["Outcome"]["properties"]


def test_nothing_is_required_that_a_client_can_leave_out(document: Document) -> None:
    for name in ("Home", "Line", "Card", "Badge"):
        schema = document["components"]["schemas"][name]
        assert "required" not in schema
        assert schema["x-whole"] == list(schema["properties"])


def test_a_frontend_developer_sees_what_can_be_missing(document: Document) -> None:
    text = get(document, "/home")["description"]
    for part in (
        "| `viewer` | **required**: the screen fails | 300 ms | users | — |",
        "| `lastOrders` | a constant stands in | 400 ms | orders | — |",
        "| `lastOrders.rating` | null | 200 ms | ratings | — |",
        "| `picks` | another backend stands in, else required | 500 ms | catalog | — |",
        "| `note` | null | 780 ms | users | `notes:read` |",
        "- `picks`: What they may like, best first.",
        "Behind them, not shown: `tier` (780 ms).",
        "Takes at most 800 ms. Needs an identified caller.",
    ):
        assert part in text
    assert get(document, "/home")["summary"] == "What one sees first"


def test_guests_and_scopes_are_told(document: Document) -> None:
    assert get(document, "/home")["security"] == [{"bearer": []}]
    assert get(document, "/search")["security"] == [{}, {"bearer": []}]
    assert get(document, "/staff")["security"] == [{"bearer": ["staff"]}]
    assert "Needs a caller with scope `staff`." in get(document, "/staff")["description"]
    assert document["components"]["securitySchemes"]["bearer"]["bearerFormat"] == "JWT"


@pytest.mark.parametrize("identities", [("api_key",), ("bearer", "api_key")])
def test_an_app_of_partners_is_asked_for_with_a_key(identities: tuple[Identity, ...]) -> None:
    document = openapi(replace(SHOP, identities=identities), served())
    key = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    schemes = document["components"]["securitySchemes"]
    assert len(schemes) == len(identities)
    assert key.items() <= schemes["apiKey"].items()
    asked = [{"bearer" if one == "bearer" else "apiKey": ["staff"]} for one in identities]
    assert get(document, "/staff")["security"] == asked


def guarded(value: str) -> bool:
    """Whether the guard lets a request with this in its path through."""
    path = f"/shop/v1/orders/{quote(value, safe='')}".encode()
    scope = {"type": "http", "method": "GET", "path": "", "raw_path": path, "query_string": b"", "headers": [(b"host", b"x")]}
    try:
        Guard(LimitSettings()).check(Request({"http_version": "1.1", **scope}, _never, 0.0))
    except Problem:
        return False
    return True


async def _never() -> Any:  # Any: an ASGI message
    raise AssertionError("the guard reads no body")


@pytest.mark.parametrize(
    "value", ["7", "a.b", ".a", "..a", "...", "ä ö", "a;b", "\x01", ".", "..", "a/b", "a\\b", "%", "50%", "\x00", "a\x00"]
)
def test_a_path_takes_what_its_pattern_says(document: Document, value: str) -> None:
    pattern = parameter(get(document, "/orders/{orderId}"), "orderId")["schema"]["pattern"]
    assert (re.search(pattern, value) is not None) == guarded(value)


def test_two_types_of_one_name_are_two_schemas() -> None:
    one, two = make_dataclass("Kind", [("a", str)]), make_dataclass("Kind", [("b", int)])
    schemas = Schemas({"Meta": {}})
    references = [schemas.ref(one)["$ref"], schemas.ref(two)["$ref"], schemas.ref(one)["$ref"]]
    assert references[0] == references[2] != references[1]
    assert [list(schema["properties"]) for schema in schemas.named.values()] == [["a"], ["b"]]


def test_a_name_of_ours_is_not_taken_by_a_screen_type() -> None:
    assert Schemas({"Meta": {}}).ref(make_dataclass("Meta", [("a", str)]))["$ref"] != "#/components/schemas/Meta"


def test_an_enum_that_is_an_input_too_is_one_schema_if_both_use_the_same_words() -> None:
    same = Enum("same", [("A", "A"), ("B", "B")])
    assert Schemas({"same": {"enum": ["A", "B"]}}).ref(same) == {"$ref": "#/components/schemas/same"}
    assert Schemas({"same": {"enum": ["a", "b"]}}).ref(same) != {"$ref": "#/components/schemas/same"}


def test_json_of_a_backend_may_be_anything() -> None:
    assert "type" not in Schemas({}).of(shape_of(Json | None))


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
async def test_what_is_answered_fits_what_is_documented(case: Case, document: Document) -> None:
    if case.method != "GET":
        return
    status, headers, body = await ask(case, DISPATCHED)
    path = next((known for known in document["paths"] if _is_of(case.target, known)), None)
    schema: Document = {"$ref": "#/components/schemas/Problem"}
    if path is not None:
        response = document["paths"][path]["get"]["responses"][str(status)]
        schema = response["content"][dict(headers)[b"content-type"].decode()]["schema"]
    misfits = list(_misfits(orjson.loads(body), schema, document))
    assert misfits == []


def _is_of(target: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", path), target.partition("?")[0]) is not None


def _misfits(value: Any, schema: Document, document: Document, place: str = "$") -> Iterator[str]:
    """Where a value is not what its schema says: the few words of JSON Schema that our documents use."""
    if "$ref" in schema:
        yield from _misfits(value, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, place)
        return
    if "anyOf" in schema:
        if all(list(_misfits(value, choice, document, place)) for choice in schema["anyOf"]):
            yield f"{place}: {value!r} fits none of {schema['anyOf']}"
        return
    if "type" not in schema:
        return  # JSON of any shape
    types = schema["type"]
    if _type_of(value) not in ([types] if isinstance(types, str) else types):
        yield f"{place}: {value!r} is not {types}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is not among {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{place}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misfits(item, schema["items"], document, f"{place}[{index}]")
    if isinstance(value, dict):
        yield from (f"{place}: lacks {name}" for name in schema.get("required", ()) if name not in value)
        for name, below in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", False))
            if inner is False:
                yield f"{place}: has {name}, which is not documented"
            else:
                yield from _misfits(below, inner, document, f"{place}.{name}")


def _type_of(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")
