"""A service as the runtime knows it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bff.endpoint import Endpoint
from bff.upstream.call import Sender
from bff.upstream.discover import Discovery
from bff.upstream.instances import Instances
from bff.upstream.stats import ServiceStats

# A service that nobody configured a timeout for: under the default screen budget, so that a fallback still has time.
DEFAULT_TIMEOUT: Final = 0.8


@dataclass(slots=True)
class Service:
    """A backend as the runtime knows it: its name, the pipe that leads to it, and the seconds a call may take.

    `stats` are what its layers count. `start` begins to look for its instances, and `known` is set once there are some;
    `close` ends that and every connection.
    """

    name: str
    sender: Sender
    timeout: float = DEFAULT_TIMEOUT
    stats: ServiceStats = field(default_factory=ServiceStats)
    discovery: Discovery | None = None
    instances: Instances | None = None
    known: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        """Needs the running loop, unless the instances are listed in the settings."""
        if self.discovery is not None:
            self.discovery.start(self._found)

    def _found(self, endpoints: Sequence[Endpoint]) -> None:
        if self.instances is not None:
            self.instances.update(endpoints)
        self.known.set()

    async def close(self) -> None:
        if self.discovery is not None:
            await self.discovery.close()
        await self.sender.close()
