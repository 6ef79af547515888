"""Names that move or cannot be asked: F21, F22."""

import asyncio
import time

from bff.testing import StubReply, StubService
from bff.upstream.service import Service
from tests.faults.rig.backends import PATIENCE
from tests.faults.rig.calls import Called, paced, parts
from tests.faults.rig.names import names
from tests.faults.rig.rig import Rig
from tests.faults.rig.scenario import Figures, Without, least, most, scenario

NAME = "picks.rig.internal"
PART = StubReply.json({"service": "picks", "copy": 0, "items": []})


def _settings(port: int, nameserver: int, every: float) -> dict[str, object]:
    found = {"kind": "dns", "name": f"{NAME}:{port}", "every": every, "nameserver": f"127.0.0.1:{nameserver}"}
    return {"discover": found}


@scenario(
    "F21",
    fault="the DNS record moves to another address",
    answer="it is asked every 5 s, connections to the old address end when their calls have, the new one is called",
    limits=(most("followed after", 10, "s"), most("failed requests", 0)),
    without=(Without("looking again", code="DNS is asked once"),),
)
async def f21(rig: Rig) -> Figures:
    async with names() as server, StubService(lambda _: PART) as old:
        new = StubService(lambda _: PART)
        await new.start("127.0.0.2", old.port)
        server.records[f"{NAME}."] = ["127.0.0.1"]
        async with new, rig.service(_settings(old.port, server.port, rig.seconds(5, 1))) as service:
            await _known(service)
            pacing = asyncio.create_task(paced(parts(service), 50, rig.seconds(11, 5)))
            await asyncio.sleep(1)
            server.records[f"{NAME}."] = ["127.0.0.2"]
            moved = time.monotonic()
            calls = await pacing
    last = max((record.started for record in old.seen), default=moved)
    followed = last - moved if new.seen else float("inf")
    return {"followed after": followed, "failed requests": _failed(calls)}


@scenario(
    "F22",
    fault="DNS does not answer",
    answer="the last good answer holds for as long as it takes",
    limits=(most("failed requests", 0), least("questions that went unanswered", 2)),
    without=(Without("the last good answer", code="a look without an answer empties the list"),),
)
async def f22(rig: Rig) -> Figures:
    async with names() as server, StubService(lambda _: PART) as picks:
        server.records[f"{NAME}."] = ["127.0.0.1"]
        async with rig.service(_settings(picks.port, server.port, 1.0)) as service:
            await _known(service)
            await paced(parts(service), 50, 1)
            server.down, asked = True, server.asked
            calls = await paced(parts(service), 50, rig.seconds(9, 8))
    return {"failed requests": _failed(calls), "questions that went unanswered": server.asked - asked}


def _failed(calls: list[Called]) -> int:
    return sum(not made.ok for made in calls)


async def _known(service: Service) -> None:
    """Until the first look has found the service."""
    async with asyncio.timeout(PATIENCE):
        await service.known.wait()
