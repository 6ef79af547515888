"""What lives as long as a worker and is shared by its requests: the services, and the clients bound to a request."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from bff.settings import Settings
from bff.upstream import pipe
from bff.upstream.call import Headers
from bff.upstream.client import Client
from bff.upstream.scope import RequestScope
from bff.upstream.service import Service

# A look is some milliseconds; a gateway whose DNS is down starts nevertheless, and soon.
FIRST_LOOK: Final = 1.0


class Upstreams:
    """The pipes to all services of bff.toml."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self.services = dict(services)

    @classmethod
    def of(cls, settings: Settings, nobody: Callable[[str], Headers] | None = None) -> "Upstreams":
        """As bff.toml has them. `nobody` tells a service of a call that is for several callers at once."""
        workers = settings.server.workers
        return cls(
            {
                name: pipe.service(name, found, workers=workers, nobody=partial(nobody, name) if nobody else None)
                for name, found in settings.services.items()
            }
        )

    async def start(self, within: float = FIRST_LOOK) -> None:
        """Begin to look for the instances that are not listed, and wait for the first ones, so many seconds at most.

        Calls to a service without any have nobody to go to; it is looked for on and on.
        """
        looking = [service for service in self.services.values() if not service.known.is_set()]
        for service in looking:
            service.start()
        waiting = {asyncio.ensure_future(service.known.wait()) for service in looking}
        if waiting:
            _, unknown = await asyncio.wait(waiting, timeout=within)
            for wait in unknown:
                wait.cancel()

    def clients(self, scope: RequestScope) -> Callable[[type[Client]], Client]:
        """The clients of one request: one instance a class, made when first asked for."""
        return _Clients(self.services, scope).__getitem__

    async def close(self) -> None:
        for service in self.services.values():
            await service.close()


class _Clients(dict[type[Client], Client]):
    """Looking up what was made is the dictionary's own work; a screen does it once a section."""

    __slots__ = ("_scope", "_services")

    def __init__(self, services: Mapping[str, Service], scope: RequestScope) -> None:
        self._services = services
        self._scope = scope

    def __missing__(self, cls: type[Client]) -> Client:
        client = self[cls] = cls(self._services[cls.service], self._scope)
        return client
