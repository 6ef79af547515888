"""Every endpoint has an owner, somebody who may use it, and a limit; and what is no more says so (S114)."""

import json
import re

import pytest

from tests.security.kit import Door
from tests.security.test_secrets import bff

APPS = ("mobile", "web")
SETTINGS = {"BFF_RETIRED": json.dumps({"/mobile/v0": "/mobile/v1", "/api/v0/users": ""})}


async def test_s114_the_demo_lists_every_endpoint_with_owner_proof_and_limit() -> None:
    code, out = await bff("check", "--effective", COLUMNS="300")
    assert code == 0, out
    _, table = out.split("endpoints", 1)
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in table.splitlines() if line.startswith("│")]
    listed = {row[0]: row for row in rows if row[0]}
    for app in APPS:
        assert {f"{app}/{name}" for name in ("home", "account", "search", "graphql")} <= listed.keys()
    assert "routes/login" in listed
    for name, row in listed.items():
        assert all(row[2:6]), f"{name}: {row}"


# Policies that are about everything but the login; those by account have no other route to be about.
ELSEWHERE = {
    "address": {"to": ["mobile/*"]},
    "route": {"to": ["web/*"]},
    "login": {"by": ["address"], "to": ["web/*"]},
    "account": {"by": ["address"], "to": ["web/*"]},
}
LACKING = {
    "owner": ({"BFF_ROUTES__LOGIN__OWNER": ""}, r"routes[./]login.*owner"),
    "limit": ({"BFF_RATE_LIMITS": json.dumps(ELSEWHERE)}, r"routes[./]login.*limit"),
}


@pytest.mark.parametrize("lacking", LACKING, ids=[f"S114 without {lacking}" for lacking in LACKING])
async def test_a_route_without_is_refused(lacking: str) -> None:
    change, named = LACKING[lacking]
    code, out = await bff("check", **change)
    assert code == 2, out
    assert re.search(named, out.replace("\n", " ")), out


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/mobile/v0/home", "/mobile/v0 is no more; use /mobile/v1"),
        ("/mobile/v0", "/mobile/v0 is no more; use /mobile/v1"),
        ("/api/v0/users", "/api/v0/users is no more"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_s114_a_version_that_is_no_more_says_so(door: Door, path: str, told: str, method: str) -> None:
    answer = await door.ask(method, path)
    await door.refused(answer, 410, "gone")
    assert answer.json()["detail"] == told


@pytest.mark.asyncio(loop_scope="module")
async def test_s114_beside_it_nothing_is_gone(door: Door) -> None:
    for path in ("/mobile/v00/home", "/mobile/v2/home"):
        await door.refused(await door.ask("GET", path), 404, "not-found")


async def test_a_retired_path_that_still_answers_is_refused() -> None:
    code, out = await bff("check", BFF_RETIRED=json.dumps({"/mobile/v1": ""}))
    assert code == 2, out
    assert re.search(r"retired\.'/mobile/v1': mobile/home still answers at /mobile/v1/home", out.replace("\n", " ")), out
