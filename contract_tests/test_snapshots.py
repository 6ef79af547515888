"""What clients were promised: each app's OpenAPI document and GraphQL schema, committed here.

A difference fails with what it breaks and a diff. When it is meant, `make contracts UPDATE=1` writes the snapshots anew,
and the change is seen in review.
"""

import json
from pathlib import Path

import pytest

from bff import project
from bff import settings as settings_module
from bff.apps import App
from bff.commands.described import described
from bff.faces.action import ServedAction
from bff.faces.graphql import build_schema
from bff.faces.openapi import openapi
from bff.faces.screen import ServedScreen
from contract_tests.breaking import breaking_in_openapi, breaking_in_sdl
from contract_tests.holding import hold

SNAPSHOTS = Path(__file__).parent / "snapshots"
PROJECT = project.load("composers", settings_module.load().services)
APPS = [app.name for app in PROJECT.apps]


def served(name: str) -> tuple[App, list[ServedScreen], list[ServedAction]]:
    """An app with all that its clients can ask for."""
    return described(PROJECT, name)


def openapi_of(app: str) -> str:
    return json.dumps(openapi(*served(app)), indent=2, ensure_ascii=False) + "\n"


def sdl_of(app: str) -> str:
    return build_schema(*served(app)).sdl() + "\n"


def breaking_in_json(old: str, new: str) -> list[str]:
    return breaking_in_openapi(json.loads(old), json.loads(new))


@pytest.mark.parametrize("app", APPS)
def test_the_openapi_document_is_the_committed_one(app: str) -> None:
    hold(SNAPSHOTS / f"{app}.openapi.json", openapi_of(app), breaking_in_json, whom=f"clients of {app}")


@pytest.mark.parametrize("app", APPS)
def test_the_graphql_schema_is_the_committed_one(app: str) -> None:
    hold(SNAPSHOTS / f"{app}.graphql", sdl_of(app), breaking_in_sdl, whom=f"clients of {app}")


def test_no_snapshot_is_of_an_app_that_is_gone() -> None:
    assert {path.name.partition(".")[0] for path in SNAPSHOTS.iterdir()} == set(APPS)


def test_a_field_that_is_taken_out_of_the_schema_is_told_by_whom_it_breaks_and_what_to_do(tmp_path: Path) -> None:
    now = sdl_of("mobile")
    line = next(line for line in now.splitlines() if line.strip().startswith("orderHistory("))
    committed = tmp_path / "mobile.graphql"
    committed.write_text(now)
    with pytest.raises(pytest.fail.Exception) as caught:
        hold(
            committed, now.replace("  orderHistory(", "  ordersOfOld("), breaking_in_sdl, whom="clients of mobile", update=False
        )
    told = str(caught.value).splitlines()
    assert told[:2] == [
        "mobile.graphql is not what was committed",
        "breaks clients of mobile: Field Query.orderHistory was removed.",
    ]
    assert "keep what they use" in told[2]
    assert f"-{line}" in told


def test_a_change_that_breaks_nobody_only_asks_to_be_committed(tmp_path: Path) -> None:
    committed = tmp_path / "mobile.graphql"
    committed.write_text("type Query { home: String! }\n")
    with pytest.raises(pytest.fail.Exception) as caught:
        hold(committed, "type Query { home: String! more: Int }\n", breaking_in_sdl, update=False)
    assert str(caught.value).splitlines()[1:3] == [
        "breaks none of clients",
        "when it is meant: make contracts UPDATE=1, and review the change",
    ]


def test_an_update_writes_the_snapshot(tmp_path: Path) -> None:
    committed = tmp_path / "mobile.graphql"
    hold(committed, "type Query { home: String! }\n", breaking_in_sdl, update=True)
    hold(committed, "type Query { home: String! }\n", breaking_in_sdl, update=False)


def test_an_input_of_an_action_that_becomes_required_breaks_its_clients() -> None:
    old, new = openapi_of("mobile"), json.loads(openapi_of("mobile"))
    body = new["paths"]["/mobile/v1/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    name = body["$ref"].rpartition("/")[2]
    new["components"]["schemas"][name]["required"].append("instructions")
    [told] = breaking_in_json(old, json.dumps(new))
    assert told == "POST /mobile/v1/orders takes application/json $.instructions was made required"


def test_a_mutation_that_is_taken_out_is_told() -> None:
    now = sdl_of("mobile")
    assert breaking_in_sdl(now, now.replace("  cancelOrder(", "  callOff(")) == ["Field Mutation.cancelOrder was removed."]
