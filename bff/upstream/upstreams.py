"""What lives as long as a worker and is shared by its requests: the services, and the clients bound to a request."""

from collections.abc import Callable, Mapping

from bff.settings import Settings
from bff.upstream import pipe
from bff.upstream.client import Client, Service
from bff.upstream.scope import RequestScope


class Upstreams:
    """The pipes to all services of bff.toml."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self.services = dict(services)

    @classmethod
    def of(cls, settings: Settings) -> "Upstreams":
        return cls({name: pipe.service(name, found) for name, found in settings.services.items()})

    def clients(self, scope: RequestScope) -> Callable[[type[Client]], Client]:
        """The clients of one request: one instance a class, made when first asked for."""
        made: dict[type[Client], Client] = {}

        def client_of(cls: type[Client]) -> Client:
            client = made.get(cls)
            if client is None:
                client = made[cls] = cls(self.services[cls.service], scope)
            return client

        return client_of

    async def close(self) -> None:
        for service in self.services.values():
            await service.sender.close()
