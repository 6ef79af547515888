"""Every endpoint has an owner, somebody who may use it, and a limit; and what is no more says so (S114)."""

import re

import pytest

from tests.commands.copy_of_project import ROOT
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


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"BFF_ROUTES__LOGIN__OWNER": ""}, r"routes[./]login.*owner"),
        ({"BFF_RATE_LIMITS": '{"address": {"to": ["mobile/*"]}, "route": {"to": ["web/*"]}, "login": {"to": ["web/*"]}, '
                             '"account": {"to": ["web/*"]}}'}, r"routes[./]login.*limit"),
    ],
    ids=["S114 without an owner", "S114 without a limit"],
)  # fmt: skip
async def test_a_route_without_is_refused(change: dict[str, str], named: str) -> None:
    code, out = await bff("check", **change)
    assert code == 2, out
    assert re.search(named, out.replace("\n", " ")), out
    assert ROOT.is_dir()
