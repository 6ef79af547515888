"""What is done on the admin listener is in the log, with where it was done from (O1); and its paths are nowhere else (S145)."""

import asyncio

import pytest

from tests.product.world import PATIENCE, World, access_lines

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_act_on_the_admin_listener_leaves_a_line_with_the_address_it_came_from(product: World) -> None:
    forged = {"x-admin-address": "203.0.113.9"}
    await product.http.post(f"{product.admin}/graphql/mobile", json={"query": "{ canary }"}, headers=forged)
    async with asyncio.timeout(PATIENCE):
        while True:
            lines = [line for line in access_lines(product.lines) if line.get("audit") == "admin"]
            if lines:
                break
            await asyncio.sleep(0.02)
    (line,) = lines
    assert (line["method"], line["path"], line["address"]) == ("POST", "/graphql/mobile", "127.0.0.1")
    assert "canary" not in str(line)


@pytest.mark.parametrize(
    "path", ["/metrics", "/stats", "/readyz", "/livez", "/docs/mobile", "/graphiql/mobile", "/assets/x.js"]
)
async def test_the_public_listener_has_no_admin_path(product: World, path: str) -> None:
    """S145."""
    assert (await product.get(path)).status_code == 404
