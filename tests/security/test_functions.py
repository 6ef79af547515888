"""What one app serves another does not, and what the admin listener serves neither does (S113, S145)."""

import httpx
import pytest

from bff.gateway.build import serve_project
from tests.security.kit import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADMIN = (
    "/metrics", "/stats", "/readyz", "/livez", "/docs", "/docs/mobile", "/redoc", "/openapi.json", "/openapi/mobile.json",
    "/graphiql", "/graphiql/mobile", "/graphql/mobile", "/assets/x.js", "/debug", "/debug/pprof", "/admin", "/console", "/env",
    "/.env", "/.git/config", "/actuator", "/actuator/env", "/server-status", "/mobile", "/mobile/docs", "/mobile/openapi.json",
    "/mobile/graphiql", "/mobile/v1", "/",
)  # fmt: skip


@pytest.mark.parametrize("path", ADMIN)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_s145_no_path_of_the_admin_listener_is_on_the_public_one(door: Door, method: str, path: str) -> None:
    answer = await door.ask(method, path, token=door.product.token)
    await door.refused(answer, 404, "not-found")


@pytest.mark.parametrize("section", ["promotions", "notes", "cuisines"])
async def test_s113_a_section_of_the_web_alone_is_unknown_to_the_phone(door: Door, section: str) -> None:
    token = door.product.token
    assert (await door.ask("GET", f"/web/v1/home?sections={section}", token=token)).status_code == 200
    door.product.reset()
    await door.refused(await door.ask("GET", f"/mobile/v1/home?sections={section}", token=token), 422, "bad-input")
    told = await door.product.graphql("mobile", f"{{ home {{ {section} {{ __typename }} }} }}")
    assert told.get("data") is None
    assert told["errors"]
    assert door.reached == 0


@pytest.mark.parametrize(
    ("path", "scopes"),
    [("/mobile/v1/account", ["orders:read"]), ("/mobile/v1/orders", ["profile"]), ("/web/v1/orders/1/tracking", ["profile"])],
)
async def test_s113_a_token_without_the_scope_reaches_nobody(door: Door, path: str, scopes: list[str]) -> None:
    token = door.product.backends.world.tokens.sign("7", scopes)
    await door.refused(await door.ask("GET", path, token=token), 403, "forbidden")


async def test_s113_a_gateway_of_one_app_serves_no_other() -> None:
    gateway = serve_project(["mobile"])
    transport = httpx.ASGITransport(gateway.public)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", trust_env=False) as http:
            assert (await http.get("/mobile/v1/account")).status_code == 401
            assert (await http.get("/web/v1/account")).status_code == 404
            assert (await http.post("/web/graphql", json={"query": "{ __typename }"})).status_code == 404
    finally:
        await gateway.shutdown()
