"""Backends that fail for a while and come back: F12, F13, F14, F17."""

import asyncio
import random
import time

from bff.errors import BackendBusy, BackendError
from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.calls import Ask, closed_after, largest_burst, many, opened_after, paced, parts
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import BOARD, RATE, Rig
from tests.faults.rig.scenario import Figures, Without, most, scenario

BROKEN = Behaviour(status=500)


@scenario(
    "F12",
    fault="500 on every call for 30 s, then well",
    answer="the breaker opens, tries now and then, and closes when it is well; the fault is there from the first call",
    limits=(
        most("calls until it opened (20 and 1 s of load)", 20 + RATE),
        most("calls in a trial while it was open", 3),
        most("closed after the heal", 10, "s"),
    ),
    without=(Without("breaker", {"breaker": {"on": False}}),),
)
async def f12(rig: Rig) -> Figures:
    pauses = {"open_for": 1.0, "open_max": 2.0, "jitter": 0.0} if rig.brief else {}
    await rig.backends.fault("picks", BROKEN)
    async with rig.gateway({"picks": {"breaker": pauses}}) as gateway, offered(gateway.port, BOARD):
        _, healed = await rig.steady(rig.seconds(30, 6))
        await rig.backends.fault("picks", None)
        await asyncio.sleep(rig.seconds(11, 5))
    arrivals = await rig.backends.arrivals("picks")
    struck = arrivals[0]
    opened = opened_after(arrivals, struck, healed)
    return {
        "calls until it opened (20 and 1 s of load)": sum(at <= struck + opened for at in arrivals),
        "calls in a trial while it was open": largest_burst(arrivals, struck + opened + 0.01, healed),
        "closed after the heal": closed_after(arrivals, healed),
    }


@scenario(
    "F13",
    fault="every other call fails",
    answer="the failure rate opens the breaker; a count of failures in a row never would",
    limits=(most("open after", 2, "s"),),
    without=(Without("the failure rate", {"breaker": {"failure_rate": 1.0}}),),
)
async def f13(rig: Rig) -> Figures:
    await rig.backends.fault("picks", Behaviour(status=500, share=0.5))
    async with rig.gateway() as gateway, offered(gateway.port, BOARD):
        _, ended = await rig.steady(rig.seconds(6, 4))
    arrivals = await rig.backends.arrivals("picks")
    return {"open after": opened_after(arrivals, arrivals[0], ended)}


@scenario(
    "F14",
    fault="404, 401 and 422 on every call",
    answer="they pass: the backend is well, what was asked for is not there",
    limits=(most("calls that did not reach the backend, of 10,000", 0),),
    without=(Without("the neutral verdict of 4xx", code="4xx is bad"),),
)
async def f14(rig: Rig) -> Figures:
    count = rig.calls(10_000, 1_000)
    async with rig.service({"instances": rig.backends.urls("picks")[:1]}) as service:
        for status in (404, 401, 422):
            await rig.backends.fault("picks", Behaviour(status=status, latency=0.0))
            await many(parts(service), count // 3, at_once=20)
    return {"calls that did not reach the backend, of 10,000": count // 3 * 3 - (await rig.backends.count("picks")).requests}


@scenario(
    "F17",
    fault="a backend heals while 1,000 clients wait for it",
    answer="half-open lets three calls through, the others are refused until these are answered",
    limits=(most("calls before a trial was answered", 3), most("all served after the heal", 10, "s")),
    without=(Without("the cap on trials", {"breaker": {"trials": 1000}}),),
)
async def f17(rig: Rig) -> Figures:
    settings = {
        "instances": rig.backends.urls("picks")[:1],
        "timeout": 2.0,
        "breaker": {"open_for": rig.seconds(3, 1), "growth": 1.0},
        "retry": {"attempts": 1},
    }
    async with rig.service(settings) as service:
        await rig.backends.fault("picks", BROKEN)
        await paced(parts(service), 100, 0.5)  # it is open now
        await rig.backends.well("picks", Behaviour(latency=0.2))
        healed = time.monotonic()
        await asyncio.gather(*(_until_served(parts(service), random.Random(number)) for number in range(1000)))
        served = time.monotonic()
    log = [seen for copy in await rig.backends.log("picks") for seen in copy if seen.arrived > healed]
    first_answer = min(seen.ended for seen in log)
    return {
        "calls before a trial was answered": sum(seen.arrived < first_answer for seen in log),
        "all served after the heal": served - healed,
    }


async def _until_served(ask: Ask, chance: random.Random) -> None:
    """A client that asks again soon after each refusal, as people do."""
    while True:
        try:
            await ask()
        except BackendBusy:
            await asyncio.sleep(chance.uniform(0.05, 0.15))
        except BackendError:
            await asyncio.sleep(0.05)
        else:
            return
