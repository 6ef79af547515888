"""What clients were promised: each app's OpenAPI document and GraphQL schema, committed here.

A difference fails with what it breaks and a diff. When it is meant, `make contracts UPDATE=1` writes the snapshots anew,
and the change is seen in review.
"""

import difflib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bff import project
from bff import settings as settings_module
from bff.commands.screens import screens_of
from bff.faces.graphql import build_schema
from bff.faces.openapi import openapi
from contract_tests.breaking import breaking_in_openapi, breaking_in_sdl

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = bool(os.environ.get("UPDATE"))
SHOWN = 80  # lines of a diff; git shows the rest
PROJECT = project.load("composers", settings_module.load().services)
APPS = [app.name for app in PROJECT.apps]


def openapi_of(app: str) -> str:
    return json.dumps(openapi(*screens_of(PROJECT, app)), indent=2, ensure_ascii=False) + "\n"


def sdl_of(app: str) -> str:
    return build_schema(*screens_of(PROJECT, app)).sdl() + "\n"


def breaking_in_json(old: str, new: str) -> list[str]:
    return breaking_in_openapi(json.loads(old), json.loads(new))


@pytest.mark.parametrize("app", APPS)
def test_the_openapi_document_is_the_committed_one(app: str) -> None:
    hold(SNAPSHOTS / f"{app}.openapi.json", openapi_of(app), breaking_in_json)


@pytest.mark.parametrize("app", APPS)
def test_the_graphql_schema_is_the_committed_one(app: str) -> None:
    hold(SNAPSHOTS / f"{app}.graphql", sdl_of(app), breaking_in_sdl)


def test_no_snapshot_is_of_an_app_that_is_gone() -> None:
    assert {path.name.partition(".")[0] for path in SNAPSHOTS.iterdir()} == set(APPS)


def test_a_difference_is_told_by_what_it_breaks_and_a_diff(tmp_path: Path) -> None:
    committed = tmp_path / "mobile.graphql"
    committed.write_text("type Query { home: String! }\n")
    with pytest.raises(pytest.fail.Exception) as caught:
        hold(committed, "type Query { house: String! }\n", breaking_in_sdl, update=False)
    told = str(caught.value)
    assert "breaks clients: Field Query.home was removed" in told
    assert "-type Query { home: String! }" in told
    assert "UPDATE=1" in told


def test_an_update_writes_the_snapshot(tmp_path: Path) -> None:
    committed = tmp_path / "mobile.graphql"
    hold(committed, "type Query { home: String! }\n", breaking_in_sdl, update=True)
    hold(committed, "type Query { home: String! }\n", breaking_in_sdl, update=False)


def hold(file: Path, now: str, breaking: Callable[[str, str], list[str]], *, update: bool = UPDATE) -> None:
    """Fail if `now` is not what `file` holds; write it there when asked to."""
    if update:
        file.write_text(now)
        return
    if not file.exists():
        pytest.fail(f"{file} is not there; `make contracts UPDATE=1` writes it")
    committed = file.read_text()
    if now == committed:
        return
    diff = list(difflib.unified_diff(committed.splitlines(), now.splitlines(), "committed", "now", lineterm="", n=2))
    breaks = [f"breaks clients: {change}" for change in breaking(committed, now)] or ["breaks no client"]
    rest = [f"... and {len(diff) - SHOWN} lines more"] if len(diff) > SHOWN else []
    mend = "when it is meant: make contracts UPDATE=1, and review the change"
    pytest.fail("\n".join([f"{file.name} is not what was committed", *breaks, mend, *diff[:SHOWN], *rest]), pytrace=False)
