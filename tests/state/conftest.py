"""The homes of the state: tests of what they share run in each."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bff.state.open import state_of
from bff.state.redis import RedisStore, redis_store
from bff.state.store import Store
from bff.state_settings import StateSettings
from tests.redis_server import Cluster, RedisServer, redis_cluster, redis_server

# Of a loaded machine's tests that are not about time: the real budget is 30 ms.
AMPLE = 5.0

USED = ["thali:a"]  # by the tests of all homes, which share a cluster


@pytest.fixture
async def redis() -> AsyncIterator[RedisServer]:
    async with redis_server() as server:
        yield server


@pytest.fixture
async def redis_home(redis: RedisServer) -> AsyncIterator[RedisStore]:
    """A started store in that Redis."""
    store = redis_store(StateSettings(url=redis.url, timeout=AMPLE))
    await store.start()
    yield store
    await store.close()


@pytest.fixture
async def prompt_home(redis: RedisServer) -> AsyncIterator[RedisStore]:
    """The same with the real budget."""
    store = redis_store(StateSettings(url=redis.url))
    await store.start()
    yield store
    await store.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One for a module, whose tests leave it whole: a new cluster takes no writes for two seconds."""
    with asyncio.Runner() as runner:
        servers = redis_cluster()
        yield runner.run(servers.__aenter__())
        runner.run(servers.__aexit__(None, None, None))


@pytest.fixture(params=["memory", "redis", "cluster"])
def home_url(request: pytest.FixtureRequest) -> str | None:
    if request.param == "memory":
        return None
    server: RedisServer | Cluster = request.getfixturevalue(request.param)
    return server.url


@pytest.fixture
async def store(home_url: str | None) -> AsyncIterator[Store]:
    home = state_of(StateSettings(url=home_url, timeout=AMPLE) if home_url else StateSettings())
    await home.start()
    for key in USED:
        await home.delete(key)
    yield home
    await home.close()
