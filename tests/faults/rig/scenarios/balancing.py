"""One sick copy among several: F18, F19, F20, and how five copies share the calls."""

import asyncio

from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.calls import many, parts
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import BOARD, Rig
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario

THREE = {"picks": 3}


async def _share_of_last(rig: Rig, service: str, since: float) -> float:
    """The share of the calls since then that the last copy got, in per cent."""
    copies = [[seen for seen in copy if seen.arrived >= since] for copy in await rig.backends.log(service)]
    return 100 * len(copies[-1]) / max(1, sum(map(len, copies)))


@scenario(
    "F18",
    fault="one of three copies is ten times as slow",
    answer="peak EWMA leaves it at its first slow answers and looks again now and then",
    limits=(
        most("its share of calls after 5 s", 5, "%"),
        latency("p99 then, times the healthy one", 1.5, "x"),
    ),
    without=(Without("the balancing by latency", {"balance": {"policy": "round_robin"}, "eject": {"on": False}}),),
)
async def f18(rig: Rig) -> Figures:
    slow = Behaviour(latency=0.2, jitter=0.02)
    for copy in range(3):
        await rig.backends.well("picks", Behaviour(latency=0.02, jitter=0.005), copy)
    services = {"picks": {"balance": {"policy": "peak_ewma"}}}
    async with rig.gateway(services, copies=THREE) as gateway, offered(gateway.port, BOARD) as load:
        await asyncio.sleep(2)
        healthy = await rig.steady(rig.seconds(5, 2))
        await rig.backends.fault("picks", slow, 2)
        await asyncio.sleep(5 if not rig.brief else 2)
        later, ended = await rig.steady(rig.seconds(6, 3))
    return {
        "its share of calls after 5 s": await _share_of_last(rig, "picks", later),
        "p99 then, times the healthy one": load.samples.between(later, ended).p(0.99) / load.samples.between(*healthy).p(0.99),
    }


@scenario(
    "F19",
    fault="one of three copies fails at once with 500",
    answer="by load alone it would be favoured for being quick; it is ejected after five failures in a row (peak EWMA, the "
    "default, avoids it from the first)",
    limits=(most("screens without the part after 3 s", 1, "%"),),
    without=(Without("ejection", {"eject": {"on": False}}),),
)
async def f19(rig: Rig) -> Figures:
    by_load = {"picks": {"balance": {"policy": "least_requests"}}}
    async with rig.gateway(by_load, copies=THREE) as gateway, offered(gateway.port, BOARD) as load:
        await asyncio.sleep(2)
        await rig.backends.fault("picks", Behaviour(status=500, latency=0.0), 2)
        await asyncio.sleep(3)
        later = await rig.steady(rig.seconds(8, 3))
    return {"screens without the part after 3 s": 100 * load.samples.between(*later).share(lambda sample: not sample.complete)}


@scenario(
    "F20",
    fault="two of three copies fail their active checks and answer calls",
    answer="below the panic threshold all copies are called: the checks are likelier wrong",
    limits=(
        least("share of the least called copy", 20, "%"),
        most("screens without the part", 0, "%"),
    ),
    without=(Without("the panic threshold", {"balance": {"panic": 0.0}}),),
)
async def f20(rig: Rig) -> Figures:
    # in turn: by latency one stall of the machine would make the shares uneven, which tells nothing of the threshold
    checks = {"health": {"path": "/healthz", "every": 0.5, "timeout": 0.4}, "balance": {"policy": "round_robin"}}
    for copy in (1, 2):
        await rig.backends.fault("picks", Behaviour(status=500, path="/healthz"), copy)
    async with rig.gateway({"picks": checks}, copies=THREE) as gateway, offered(gateway.port, BOARD) as load:
        await asyncio.sleep(4)  # three checks in a row, and time to act on them
        later, ended = await rig.steady(rig.seconds(5, 2))
    copies = [sum(later <= seen.arrived < ended for seen in copy) for copy in await rig.backends.log("picks")]
    return {
        "share of the least called copy": 100 * min(copies) / max(1, sum(copies)),
        "screens without the part": 100 * load.samples.between(later, ended).share(lambda sample: not sample.complete),
    }


@scenario(
    "U3",
    fault="five copies of one service: equal, weighted 3:1, one busy, one full, one down",
    answer="round robin, weights, least connections, ejection",
    limits=(
        most("round robin: farthest from 20 %", 1, "points"),
        most("weights 3:1: farthest from 75 %", 2, "points"),
        most("least connections: calls to a copy that holds one", 0),
        most("calls to a full copy once it is known", 0),
        most("calls to a copy that is down once it is known", 0),
        least("served with one copy down", 100, "%"),
    ),
    without=(
        Without("the exact count of what is in flight", {"balance": {"policy": "round_robin"}}),
        Without("ejection", {"eject": {"on": False}}),
    ),
)
async def u3(rig: Rig) -> Figures:
    return {**await _shares(rig), **await _busy(rig), **await _full(rig), **await _down(rig)}


def _five(rig: Rig, policy: str, **more: object) -> dict[str, object]:
    """Five copies, or as many as `weights` names; no slow start, which is of new copies."""
    return {"instances": rig.backends.urls("five"), "balance": {"policy": policy, "slow_start": 0.0, **more}}


async def _requests(rig: Rig) -> list[int]:
    return [count.requests for count in (await rig.backends.counts())["five"]]


async def _shares(rig: Rig) -> dict[str, float]:
    calls = rig.calls(10_000, 2_000)
    async with rig.service(_five(rig, "round_robin"), "five") as service:
        await many(parts(service), calls, at_once=20)
    shares = [100 * count / calls for count in await _requests(rig)]
    await rig.backends.reset()
    two = rig.backends.urls("five")[:2]
    weights = {two[0].removeprefix("http://"): 3}
    weighted = {"instances": two, "balance": {"policy": "round_robin", "slow_start": 0.0, "weights": weights}}
    async with rig.service(weighted, "five") as service:
        await many(parts(service), calls, at_once=20)
    heavy, light = (await _requests(rig))[:2]
    return {
        "round robin: farthest from 20 %": max(abs(share - 20) for share in shares),
        "weights 3:1: farthest from 75 %": abs(100 * heavy / (heavy + light) - 75),
    }


async def _busy(rig: Rig) -> dict[str, float]:
    """One copy holds the one call it has; four callers at most are at work on the four others."""
    await rig.backends.reset()
    await rig.backends.fault("five", Behaviour(latency=3.0), 2)
    async with rig.service({**_five(rig, "least_connections"), "timeout": 4.0, "max_in_flight": 50}, "five") as service:
        held = [asyncio.create_task(parts(service)()) for _ in range(5)]
        await asyncio.sleep(0.2)  # four have been answered; the busy copy has its one
        await many(parts(service), rig.calls(2_000, 400), at_once=4)
        holding = (await _requests(rig))[2]
        await asyncio.gather(*held)
    return {"least connections: calls to a copy that holds one": holding - 1}


async def _full(rig: Rig) -> dict[str, float]:
    await rig.backends.reset()
    await rig.backends.fault("five", Behaviour(status=503, latency=0.0), 3)
    async with rig.service(_five(rig, "round_robin"), "five") as service:
        await many(parts(service), 100, at_once=5)  # it is known by now
        known = (await _requests(rig))[3]
        await many(parts(service), rig.calls(2_000, 400), at_once=20)
        return {"calls to a full copy once it is known": (await _requests(rig))[3] - known}


async def _down(rig: Rig) -> dict[str, float]:
    await rig.backends.reset()
    async with rig.service({**_five(rig, "round_robin"), "retry": {"budget": 1.0}}, "five") as service:
        await many(parts(service), 50, at_once=5)
        await rig.backends.away("five", instance=4)
        calls = await many(parts(service), 100, at_once=5)
        attempts = sum(stats.bad for stats in service.stats.instances.values())
        calls += await many(parts(service), rig.calls(2_000, 400), at_once=20)
        later = sum(stats.bad for stats in service.stats.instances.values())
    return {
        "calls to a copy that is down once it is known": later - attempts,
        "served with one copy down": 100 * sum(made.ok for made in calls) / len(calls),
    }
