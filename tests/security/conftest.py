"""One running product for the tests of a file, behind its door."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.product.world import world
from tests.security.kit import Door


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="open_door")
async def _open_door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """A module's SETTINGS, if it has any, are the `BFF_...` variables of its product, and its POLICIES the rate limits.

    The demo's own are out of reach: a flood is to be stopped by what it is aimed at.
    """
    folder: Path = tmp_path_factory.mktemp("security")
    settings: dict[str, str] = getattr(request.module, "SETTINGS", {})
    policies: dict[str, object] = getattr(request.module, "POLICIES", {})
    async with world(folder, limits=False, BFF_RATE_LIMITS=json.dumps(policies), **settings) as product:
        yield Door(product)


@pytest_asyncio.fixture(loop_scope="module")
async def door(open_door: Door) -> AsyncIterator[Door]:
    open_door.product.reset()
    yield open_door
    open_door.product.reset()
