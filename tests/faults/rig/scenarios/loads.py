"""Too much of something: retries F23, a slow service F24, requests F25."""

import asyncio

from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.calls import paced, parts
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import BOARD, Rig
from tests.faults.rig.samples import Stream
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario


@scenario(
    "F23",
    fault="a retry storm: half of 500 calls a second get 503",
    answer="retries and hedges spend from one budget: a tenth of the calls, and one a second",
    limits=(most("upstream calls for each first attempt, worst 10 s", 1.2, "x"), least("retries that were sent", 1)),
    without=(Without("the budget", {"retry": {"attempts": 5, "budget": 1.0, "budget_floor": 10_000}}),),
)
async def f23(rig: Rig) -> Figures:
    settings = {
        "instances": rig.backends.urls("picks"),
        "breaker": {"on": False},  # it would end the storm before the budget is seen
        "eject": {"on": False},
        "retry": {"attempts": 3},
    }
    rate, window = 500, rig.seconds(10, 2)
    await rig.backends.fault("picks", Behaviour(status=503, share=0.5))
    async with rig.service(settings) as service:
        calls = await paced(parts(service), rate, window * 1.5)
        retries = service.stats.retries
    arrivals, start = await rig.backends.arrivals("picks"), calls[0].due
    windows = [(start, start + window), (start + window / 2, start + window * 1.5)]
    return {
        "upstream calls for each first attempt, worst 10 s": max(
            sum(first <= at < last for at in arrivals) / sum(first <= made.due < last for made in calls)
            for first, last in windows
        ),
        "retries that were sent": retries,
    }


@scenario(
    "F24",
    fault="a backend takes five times as long, without errors",
    answer="its bulkhead fills: what has no place falls back at once, and others never notice",
    limits=(
        most("in flight at the backend, of 25", 25),
        latency("p99 of the other screens, times the healthy one", 1.1, "x"),
        least("board answered 200", 100, "%"),
    ),
    without=(Without("the bulkhead", {"max_in_flight": 10_000, "bulkhead": {"queue": 0}}),),
)
async def f24(rig: Rig) -> Figures:
    """Two gateways at once, one with a well copy, so that what else the machine does is done to both."""
    for name in ("account", "search"):
        await rig.backends.well(name, Behaviour(latency=0.03, jitter=0.005))
    await rig.backends.well("picks", Behaviour(latency=0.06, jitter=0.01))
    streams = (BOARD, Stream("account", "/rig/v1/account", 40), Stream("search", "/rig/v1/search", 40))
    beside = {"picks": {"max_in_flight": 25, "instances": rig.backends.urls("picks")[1:2]}}
    async with (
        rig.gateway({"picks": {"max_in_flight": 25}}) as gateway,
        rig.gateway(beside) as healthy,
        offered(gateway.port, *streams) as load,
        offered(healthy.port, *streams) as control,
    ):
        await asyncio.sleep(2)
        await rig.backends.fault("picks", Behaviour(latency=0.3, jitter=0.05), 0)
        start, end = await rig.steady(rig.seconds(10, 3))
    others, well = load.samples.of("account", "search"), control.samples.of("account", "search")
    return {
        "in flight at the backend, of 25": (await rig.backends.count("picks")).max_in_flight,
        "p99 of the other screens, times the healthy one": others.between(start, end).p(0.99)
        / well.between(start, end).p(0.99),
        "board answered 200": 100 * load.samples.of("board").between(start, end).share(lambda sample: sample.status == 200),
    }


@scenario(
    "F25",
    fault="ten times the load: 5,000 requests a second where 50 places of 100 ms serve 500",
    answer="low priorities are refused early with 503 and Retry-After, critical ones are served",
    limits=(
        least("goodput of the capacity", 90, "%"),
        least("critical answered", 99, "%"),
        latency("p99 of the admitted, times the healthy one", 2.0, "x"),
        most("back to normal after", 5, "s"),
    ),
    without=(Without("shedding", more={"shed": {"on": False}}),),
)
async def f25(rig: Rig) -> Figures:
    places, answer, capacity = 50, 0.1, 500
    for name in ("search", "account"):
        await rig.backends.well(name, Behaviour(latency=answer))
    services = {name: {"max_in_flight": 1000} for name in ("search", "account")}
    usual = (Stream("search", "/rig/v1/search", capacity * 0.6), Stream("checkout", "/rig/v1/checkout", 20))
    storm = Stream("storm", "/rig/v1/search", capacity * 9.4)
    async with rig.gateway(services, {"shed": {"max_in_flight": places}}) as gateway, offered(gateway.port, *usual) as load:
        await asyncio.sleep(2)
        healthy = await rig.steady(rig.seconds(5, 2))
        async with offered(gateway.port, storm) as more:
            await asyncio.sleep(1)
            stormy = await rig.steady(rig.seconds(10, 4))
        _, calm = await rig.steady(0)
        await asyncio.sleep(6)
    served = load.samples.between(*stormy).answered(200).all + more.samples.between(*stormy).answered(200).all
    admitted = sorted(sample.took for sample in served)
    normal = load.samples.of("search").between(*healthy)
    refused = load.samples.of("search").where(lambda sample: sample.due > calm and sample.status != 200)
    return {
        "goodput of the capacity": 100 * len(served) / (stormy[1] - stormy[0]) / capacity,
        "critical answered": 100 * load.samples.of("checkout").between(*stormy).share(lambda sample: sample.status == 200),
        "p99 of the admitted, times the healthy one": admitted[int(0.99 * len(admitted))] / normal.p(0.99)
        if admitted
        else 99.0,
        "back to normal after": max((sample.due - calm for sample in refused.all), default=0.0),
    }
