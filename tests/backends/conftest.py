"""The demo's services on free ports, started anew for each test; their data is built once a machine."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from backends.running import Backends

Asking = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def backends() -> AsyncIterator[Backends]:
    async with Backends.start(free_ports=True) as running:
        yield running


@pytest.fixture
async def ask(backends: Backends) -> AsyncIterator[Asking]:
    """`await ask("users", "/users/7")`; further arguments are httpx's."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def asking(
            service: str, path: str, method: str = "GET", *, json: object = None, headers: dict[str, str] | None = None
        ) -> httpx.Response:
            return await client.request(method, f"http://{backends.address(service)}{path}", json=json, headers=headers)

        yield asking


@pytest.fixture
async def control(backends: Backends) -> AsyncIterator[Asking]:
    """The same for a service's control port."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def asking(service: str, path: str, method: str = "GET", *, json: object = None) -> httpx.Response:
            return await client.request(method, f"http://{backends.control_address(service)}{path}", json=json)

        yield asking
