"""One running product for the tests of a file, behind its door."""

import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.product.world import ROOT, world
from tests.security.kit import Door

NEVER_MET = 1_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="open_door")
async def _open_door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """A module's SETTINGS, if it has any, are the `BFF_...` variables of its product, and its POLICIES the rate limits.

    The demo's own policies stand there so wide that no test meets them: a flood is to be stopped by what it is aimed at.
    """
    folder: Path = tmp_path_factory.mktemp("security")
    settings: dict[str, str] = getattr(request.module, "SETTINGS", {})
    policies: dict[str, object] = getattr(request.module, "POLICIES", {})
    async with world(folder, BFF_RATE_LIMITS=json.dumps({**widened(), **policies}), **settings) as product:
        yield Door(product)


def widened() -> dict[str, object]:
    """The policies of the demo's bff.toml, each with a limit that nobody meets."""
    shipped: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "bff.toml").read_text()).get("rate_limits", {})  # Any: TOML
    wide: dict[str, int] = {"limit": NEVER_MET}
    return {name: {**wide, "burst": NEVER_MET} if "burst" in policy else wide for name, policy in shipped.items()}


@pytest_asyncio.fixture(loop_scope="module")
async def door(open_door: Door) -> AsyncIterator[Door]:
    open_door.product.reset()
    yield open_door
    open_door.product.reset()
