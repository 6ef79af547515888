"""Each kind of breaking change is named, and what breaks nobody is not."""

import copy
from typing import Any

import pytest

from contract_tests.breaking import Document, breaking_in_openapi, breaking_in_sdl

OLD: Document = {
    "paths": {
        "/home": {
            "get": {
                "parameters": [{"name": "limit", "in": "query", "required": False, "schema": {"type": "integer"}}],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Home"}}}}},
            }
        }
    },
    "components": {
        "schemas": {
            "Home": {
                "type": "object",
                "properties": {"cards": {"type": "array", "items": {"$ref": "#/components/schemas/Card"}}},
            },
            "Card": {
                "type": "object",
                "required": ["name", "kind"],
                "properties": {
                    "name": {"type": "string"},
                    "kind": {"type": "string", "enum": ["A", "B"]},
                    "like": {"anyOf": [{"$ref": "#/components/schemas/Card"}, {"type": "null"}]},
                },
            },
        }
    },
}


@pytest.fixture
def new() -> Document:
    return copy.deepcopy(OLD)


def card(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]["Card"]["properties"]
    return found


def told(new: Document) -> list[str]:
    return breaking_in_openapi(OLD, new)


AT = "GET /home 200 application/json $.cards[]"


def test_the_same_document_breaks_nobody(new: Document) -> None:
    assert told(new) == []


def test_a_field_more_a_type_more_an_input_more_and_a_word_changed_break_nobody(new: Document) -> None:
    card(new)["more"] = {"type": "string"}
    card(new)["name"]["description"] = "its name"
    new["components"]["schemas"]["Other"] = {"type": "object"}
    new["paths"]["/other"] = copy.deepcopy(new["paths"]["/home"])
    new["paths"]["/home"]["get"]["parameters"].append({"name": "q", "in": "query", "schema": {"type": "string"}})
    assert told(new) == []


def test_a_removed_field(new: Document) -> None:
    del card(new)["name"]
    assert told(new) == [f"{AT}.name was removed"]


def test_a_changed_type(new: Document) -> None:
    card(new)["name"]["type"] = "integer"
    assert told(new) == [f"{AT}.name changed from string to integer"]


def test_a_field_that_may_be_null_now(new: Document) -> None:
    card(new)["name"]["type"] = ["string", "null"]
    assert told(new) == [f"{AT}.name changed from string to string | null"]


def test_a_new_word_of_an_enum_which_clients_do_not_know(new: Document) -> None:
    card(new)["kind"]["enum"].append("C")
    assert told(new) == [f"{AT}.kind changed from string | A | B to string | A | B | C"]


def test_a_field_that_may_be_absent_now_and_not_one_that_always_comes_now(new: Document) -> None:
    new["components"]["schemas"]["Card"]["required"] = ["kind", "like"]
    assert told(new) == [f"{AT}.name may be absent now"]


def test_a_status_that_is_gone(new: Document) -> None:
    answers = new["paths"]["/home"]["get"]["responses"]
    answers["203"] = answers.pop("200")
    assert told(new)[0] == "GET /home 200 application/json $ was removed"


def test_a_removed_operation(new: Document) -> None:
    new["paths"] = {}
    assert "GET /home was removed" in told(new)


def test_a_removed_input(new: Document) -> None:
    new["paths"]["/home"]["get"]["parameters"] = []
    assert told(new) == ["GET /home takes query limit was removed"]


def test_an_input_made_required(new: Document) -> None:
    new["paths"]["/home"]["get"]["parameters"][0]["required"] = True
    assert told(new) == ["GET /home takes query limit was made required"]


def test_an_input_that_changed_its_type(new: Document) -> None:
    new["paths"]["/home"]["get"]["parameters"][0]["schema"]["type"] = "string"
    assert told(new) == ["GET /home takes query limit changed from integer to string"]


def test_a_new_input_that_is_required(new: Document) -> None:
    parameter = {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}
    new["paths"]["/home"]["get"]["parameters"].append(parameter)
    assert told(new) == ["GET /home takes query q is new and required"]


def with_body(document: Document, **changes: Any) -> Document:
    """The document with a write, whose body has a name and a kind; `changes` are of the body's schema."""
    found = copy.deepcopy(document)
    schema = {"type": "object", "required": ["name"], "properties": {"name": TEXT, "kind": KIND}, **changes}
    found["paths"]["/home"]["put"] = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"204": {}},
    }
    return found


TEXT, KIND = {"type": "string"}, {"type": "string", "enum": ["A", "B"]}
BODY = "PUT /home takes application/json $"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"required": ["name", "kind"]}, [f"{BODY}.kind was made required"]),
        (
            {"properties": {"name": {"type": "integer"}, "kind": KIND}},
            [f"{BODY}.name changed from string (required) to integer (required)"],
        ),
        (
            {"properties": {"name": TEXT, "kind": {"type": "string", "enum": ["A"]}}},
            [f"{BODY}.kind as B was removed"],
        ),
        ({"properties": {"name": TEXT, "kind": TEXT | {"enum": ["A", "B", "C"]}}}, []),
        ({"properties": {"name": TEXT, "kind": KIND, "more": TEXT}}, []),
        (
            {
                "required": ["name", "more"],
                "properties": {"name": TEXT, "kind": KIND, "more": TEXT},
            },
            [f"{BODY}.more is new and required"],
        ),
        ({"required": []}, []),
    ],
)
def test_what_a_body_must_hold_now(changes: dict[str, Any], told: list[str]) -> None:
    assert breaking_in_openapi(with_body(OLD), with_body(OLD, **changes)) == told


SDL = "type Query { home(limit: Int): Home } type Home { name: String! }"


@pytest.mark.parametrize(
    ("sdl", "change"),
    [
        ("type Query { home(limit: Int): Home } type Home { title: String! }", "Field Home.name was removed."),
        (
            "type Query { home(limit: Int): Home } type Home { name: Int! }",
            "Field Home.name changed type from String! to Int!.",
        ),
        (
            "type Query { home(limit: Int): Home } type Home { name: String }",
            "Field Home.name changed type from String! to String.",
        ),
        ("type Query { home: Home } type Home { name: String! }", "Argument Query.home(limit:) was removed."),
        (
            "type Query { home(limit: Int!): Home } type Home { name: String! }",
            "Argument Query.home(limit:) has changed type from Int to Int!.",
        ),
    ],
)
def test_what_breaks_a_graphql_client_is_named(sdl: str, change: str) -> None:
    assert change in breaking_in_sdl(SDL, sdl)


def test_what_breaks_no_graphql_client_is_not() -> None:
    assert breaking_in_sdl(SDL, "type Query { home(limit: Int, q: String): Home } type Home { name: String! more: Int }") == []
