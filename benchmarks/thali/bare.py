"""The same project without the resilience pipe: each client straight on the wire of its one instance.

Only to say what the layers cost: `python -m benchmarks.thali.bare` serves it, and W1 shows it beside the whole.
"""

from collections.abc import Iterable
from dataclasses import replace
from time import monotonic

from bff import settings
from bff.commands.serve import options
from bff.gateway.build import Gateway
from bff.gateway.build import serve_project as whole
from bff.server.leaving import leave
from bff.server.supervisor import run
from bff.upstream.call import Attempt, Call, Reply, Wire


class Bare:
    """No breaker, no retry, no cap, no choice: one attempt, on the only instance there is."""

    def __init__(self, wire: Wire, instance: str) -> None:
        self._wire, self._instance = wire, instance

    async def send(self, call: Call) -> Reply:
        return await self._wire.send(call, Attempt(self._instance, "first", monotonic()))

    async def close(self) -> None:
        await self._wire.close()


def serve_project(apps: Iterable[str] = ()) -> Gateway:
    gateway = whole(apps)
    for service in gateway.upstreams.services.values():
        if service.instances is not None:
            (instance,) = service.instances.live
            service.sender = Bare(instance.wire, instance.name)
    return gateway


if __name__ == "__main__":
    leave(run(replace(options(settings.load(), (), None), factory="benchmarks.thali.bare:serve_project")))
