"""Work that nobody waits for any more: F26, F27, F28."""

import asyncio
import random
from collections.abc import Sequence

from bff.deadline import Deadline
from bff.errors import BackendError
from bff.upstream.call import Call
from tests.faults.rig.behaviour import Behaviour, Seen
from tests.faults.rig.calls import many, parts
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import RATE, Rig
from tests.faults.rig.samples import LEFT, Stream
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario

PARTS = ("account", "cart", "picks", "ratings", "news")
NO_BREAKER = {"breaker": {"on": False}, "eject": {"on": False}, "skip_hopeless": False}


async def _log(rig: Rig, services: Sequence[str] = PARTS) -> list[Seen]:
    return [seen for name in services for copy in await rig.backends.log(name) for seen in copy]


@scenario(
    "F26",
    fault="1,000 clients go away while their five calls are under way",
    answer="all five calls are cancelled and their connections closed",
    limits=(
        least("closed at the backend within 100 ms", 99, "%"),
        most("in flight at the backends afterwards", 0),
        most("in flight in the gateway afterwards", 0),
        most("tasks left over", 2),
    ),
    without=(Without("the cancelling", code="calls are shielded"),),
    tests=("tests/product/test_cancelling.py::test_a_client_that_goes_ends_its_calls_at_the_backends_and_leaves_nothing",),
)
async def f26(rig: Rig) -> Figures:
    wave, patience = 100, 0.15
    async with rig.gateway(dict.fromkeys(PARTS, NO_BREAKER)) as gateway:
        await gateway.ask("/rig/v1/board")
        tasks = (await gateway.stats())["totals"]["tasks"]
        await rig.backends.reset()
        for name in PARTS:
            await rig.backends.fault(name, Behaviour(latency=0.35))
        leaving = Stream("leaving", "/rig/v1/board", wave, leave_after=patience, every=wave)
        async with offered(gateway.port, leaving) as load:
            await asyncio.sleep(rig.seconds(10, 3) + 0.5)
        await asyncio.sleep(1)
        counts = await rig.backends.counts()
        totals = (await gateway.stats())["totals"]
    left = sorted(sample.due + sample.took for sample in load.samples.all if sample.status == LEFT)
    log = await _log(rig)
    # From the last of a wave's clients to go; a wave goes within a few milliseconds, a second before the next one.
    gone = [max((at for at in left if at < seen.ended + 0.01), default=0.0) for seen in log]
    in_time = sum(seen.how == "cut" and seen.ended - at <= 0.1 for seen, at in zip(log, gone, strict=True))
    return {
        "closed at the backend within 100 ms": 100 * in_time / max(1, len(log)),
        "in flight at the backends afterwards": sum(counts[name][0].in_flight for name in PARTS),
        "in flight in the gateway afterwards": totals["in_flight"],
        "tasks left over": max(0, totals["tasks"] - tasks),
    }


@scenario(
    "F27",
    fault="10,000 calls, half of them cancelled at random moments",
    answer="each takes its connection with it; the pool stays whole",
    limits=(
        least("calls served afterwards, of 20", 20),
        most("in flight in the pipe afterwards", 0),
        most("answers of another call", 0),
        least("cancelled", 10, "%"),
    ),
    without=(Without("the release of a cancelled call's place", code="places of cancelled calls are lost"),),
    tests=("tests/faults/test_wire_faults.py::test_f27_after_a_storm_the_pool_is_whole",),
)
async def f27(rig: Rig) -> Figures:
    count, chance = rig.calls(10_000, 2_000), random.Random(27)
    await rig.backends.well("picks", Behaviour(latency=0.004, jitter=0.004))
    settings = {**NO_BREAKER, "instances": rig.backends.urls("picks")[:1], "max_in_flight": 40, "retry": {"attempts": 1}}
    loop = asyncio.get_running_loop()
    cancelled = foreign = 0
    async with rig.service(settings) as service:
        left = iter(range(count))

        async def caller() -> None:
            nonlocal cancelled, foreign
            for _ in left:
                sending = loop.create_task(service.sender.send(Call("picks", "GET", "/picks", Deadline.after(2.0))))
                if chance.random() < 0.5:
                    loop.call_later(chance.uniform(0, 0.012), sending.cancel)
                try:
                    foreign += (await sending).status != 200
                except asyncio.CancelledError:
                    cancelled += 1
                except BackendError:
                    foreign += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(40):
                group.create_task(caller())
        healthy = await many(parts(service), 20, at_once=20)
        in_flight = service.stats.in_flight
    return {
        "calls served afterwards, of 20": sum(made.ok for made in healthy),
        "in flight in the pipe afterwards": in_flight,
        "answers of another call": foreign,
        "cancelled": 100 * cancelled / count,
    }


@scenario(
    "F28",
    fault="a caller that has 80 ms left, and backends that hang",
    answer="each call is told what is left, none starts without time, and all end with the caller's",
    limits=(
        most("most that a backend was told", 80, "ms"),
        least("least that a backend was told", 1, "ms"),
        latency("p99 of the calls at the backends", 130, "ms"),
        least("calls seen", 100),
    ),
    without=(Without("the deadline that goes on", code="deadlines do not go on"),),
    tests=("tests/upstream/test_client.py::test_the_backend_is_told_what_is_left_less_the_way_back",),
)
async def f28(rig: Rig) -> Figures:
    async with rig.gateway(dict.fromkeys(PARTS, NO_BREAKER)) as gateway:
        await gateway.ask("/rig/v1/board")
        await rig.backends.reset()
        for name in PARTS:
            await rig.backends.fault(name, Behaviour("hang"))
        impatient = Stream("impatient", "/rig/v1/board", RATE / 2, {"request-timeout": "80"})
        async with offered(gateway.port, impatient):
            await asyncio.sleep(rig.seconds(5, 2))
        await asyncio.sleep(0.5)
    log = await _log(rig)
    took = sorted(seen.ended - seen.arrived for seen in log)
    return {
        "most that a backend was told": max((seen.told for seen in log), default=0),
        "least that a backend was told": min((seen.told for seen in log), default=0),
        "p99 of the calls at the backends": 1000 * took[int(0.99 * len(took))] if took else 0.0,
        "calls seen": len(log),
    }
