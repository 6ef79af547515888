"""Every endpoint has an owner, somebody who may use it, and a limit; and what is no more says so (S114)."""

import json
import re

import pytest

from tests.security.test_secrets import bff

APPS = ("mobile", "web")


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
