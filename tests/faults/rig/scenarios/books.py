"""Whether our figures are true: what the workers say that they sent, against what the backends say that they read."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import BOARD, Rig
from tests.faults.rig.scenario import Figures, Without, least, most, scenario

# None of these loses a request on its way: a blackholed one would be written and never read.
FAULTS = (
    Behaviour("hang", share=0.2),
    Behaviour("reset", share=0.3),
    Behaviour(status=503, share=0.5),
    Behaviour("truncate", share=0.3),
    Behaviour("drip", rate=200, share=0.2),
    Behaviour(latency=0.3, share=0.5),
)
SERVICES = ("cart", "picks", "ratings", "news")


@scenario(
    "O2",
    fault="hangs, resets, 503, cuts and drips on four services, two workers",
    answer="requests that were written to their last byte, over all workers, are the requests that the backends read",
    limits=(
        most("written and not read, or read and not written", 0),
        least("requests read", 1000),
    ),
    without=(Without("counting when it is written", code="written is counted with the answer"),),
    rounds=1,  # a minute long, of a number that is exact
)
async def o2(rig: Rig) -> Figures:
    async with rig.gateway(workers=2) as gateway:
        async with offered(gateway.port, BOARD):
            for turn in range(round(rig.seconds(60, 6))):
                await rig.backends.fault(SERVICES[turn % len(SERVICES)], FAULTS[turn % len(FAULTS)])
                await asyncio.sleep(1)
        stats = await gateway.stats()
    written = sum(map(_written, stats["workers"]))
    read = sum(copy.requests for copies in (await rig.backends.counts()).values() for copy in copies)
    return {"written and not read, or read and not written": abs(written - read), "requests read": read}


def _written(worker: Mapping[str, Any]) -> int:
    services: Mapping[str, Any] = worker["services"]
    return sum(instance["written"] for service in services.values() for instance in service["instances"].values())
