"""A typed client against a scripted backend, over real sockets and the real wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from bff.service_settings import ServiceSettings
from bff.testing.stub import StubService
from bff.upstream import pipe
from bff.upstream.client import Client
from bff.upstream.scope import RequestScope

C = TypeVar("C", bound=Client)


@asynccontextmanager
async def client_of(cls: type[C], stub: StubService, settings: ServiceSettings | None = None) -> AsyncIterator[C]:
    """A client that calls `stub` in place of its service, with the default settings or with these."""
    service = pipe.service(cls.service, settings or ServiceSettings(instances=[f"http://{stub.address}"]))
    try:
        yield cls(service, RequestScope())
    finally:
        await service.close()
