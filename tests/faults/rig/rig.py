"""What a scenario is given: backends that misbehave, a gateway or a single pipe in front of them, and time."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import IO

from bff.service_settings import ServiceSettings
from bff.upstream import pipe
from bff.upstream.service import Service
from tests.faults.rig import gateway as gateways
from tests.faults.rig.backends import Backends, backends
from tests.faults.rig.gateway import RIG_SERVICE, Gateway
from tests.faults.rig.mutations import mutated
from tests.faults.rig.samples import Stream
from tests.faults.rig.scenario import Without
from tests.faults.rig.toml import Settings, merged

# Every service of the rig's project, and how many copies of it run. A gateway is told of the first one only, unless a
# scenario says otherwise; `five` is for the scenarios of balancing, which need no screen.
COPIES = {"account": 1, "cart": 1, "picks": 3, "ratings": 1, "news": 1, "search": 1, "payments": 1, "five": 5}
RATE = 200  # requests a second and instance, unless a scenario says otherwise
BOARD = Stream("board", "/rig/v1/board", RATE)
# A project without [rate_limits] has the built-in ones (bff/gateway/quota_built_in.py), and a generator is one address: 200
# requests a second would be refused after some seconds. So it has the same policies, and nobody meets them.
_NO_LIMIT: Settings = {"limit": 1_000_000_000, "algorithm": "bucket", "shared": "local"}
UNLIMITED: Settings = {"addresses": {"by": ["address"], **_NO_LIMIT}, "callers": {"by": ["caller"], **_NO_LIMIT}}


@dataclass(slots=True)
class Rig:
    """One round of one scenario: `backends` are well and counted anew, `without` is what is switched off, if anything.

    `brief` rounds are for `make test`: as long as it takes to see the fault, and no longer.
    """

    backends: Backends
    brief: bool = False
    without: Without | None = None

    def seconds(self, whole: float, brief: float) -> float:
        return brief if self.brief else whole

    def calls(self, whole: int, brief: int) -> int:
        return brief if self.brief else whole

    @asynccontextmanager
    async def gateway(
        self,
        services: Mapping[str, Settings] | None = None,
        more: Settings | None = None,
        *,
        copies: Mapping[str, int] | None = None,
        workers: int = 1,
        out: IO[bytes] | int | None = None,
        code: str = "",
    ) -> AsyncIterator[Gateway]:
        """`bff serve` over all services; `services` and `more` are what differs from the rig's own bff.toml.

        Rate limits that `more` names stand in the place of UNLIMITED.
        `code` is a mutation that is the fault itself: a clock that is wrong.
        """
        off = self.without or Without("")
        told = {
            name: merged(
                RIG_SERVICE,
                {"instances": self.backends.urls(name)[: (copies or {}).get(name, 1)]},
                (services or {}).get(name, {}),
                off.service,
            )
            for name in COPIES
        }
        settings = merged({"services": told}, {"rate_limits": UNLIMITED, **(more or {})}, off.more)
        mutation = " + ".join(filter(None, (code, off.code)))
        async with gateways.gateway(settings, workers=workers, out=out, mutation=mutation) as served:
            yield served

    @asynccontextmanager
    async def service(self, settings: Settings, name: str = "picks") -> AsyncIterator[Service]:
        """The pipe to one service, in this process, as bff.toml would make it from these settings."""
        off = self.without or Without("")
        async with AsyncExitStack() as stack:
            stack.enter_context(mutated(off.code))
            whole = merged(RIG_SERVICE, settings, off.service)
            service = pipe.service(name, ServiceSettings.model_validate(whole))
            stack.push_async_callback(service.close)
            if not service.known.is_set():
                service.start()
            yield service

    async def steady(self, seconds: float) -> tuple[float, float]:
        """Let so much time pass under load: its start and end, in monotonic seconds."""
        start = time.monotonic()
        await asyncio.sleep(seconds)
        return start, time.monotonic()


@asynccontextmanager
async def rig(*, brief: bool = False) -> AsyncIterator[Rig]:
    """The stub process, for as many rounds as are wanted; `reset` between them is the runner's."""
    async with backends(COPIES) as running:
        yield Rig(running, brief)
