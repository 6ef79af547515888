"""One running product for all tests of a file: starting it takes seconds, and `reset` makes it as new."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.product.world import World, world


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="running")
async def _running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("product")
    async with world(folder) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def product(running: World) -> AsyncIterator[World]:
    running.reset()
    yield running
    running.reset()
