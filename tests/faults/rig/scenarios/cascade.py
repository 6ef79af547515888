"""The classic cascade: one slow backend fills every place of the process, and screens that never call it go down too."""

import asyncio
from dataclasses import dataclass

from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.calls import opened_after
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import Rig
from tests.faults.rig.samples import Samples, Stream
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario

PLACES = 150  # requests that the process takes at once: in a thread pool they would be its threads
OTHERS = ("search", "account")
STREAMS = (  # 40 a second that take 5 s are 200 at once (Little)
    Stream("pay", "/rig/v1/pay", 40),
    Stream("search", "/rig/v1/search", 80),
    Stream("account", "/rig/v1/account", 80),
)
UNGUARDED = {"max_in_flight": 10_000, "breaker": {"on": False}, "skip_hopeless": False}


@dataclass(frozen=True, slots=True)
class Timeline:
    """A whole run: `start` to `struck` all is well, then payments takes 5 s, from `healed` on it is well again."""

    samples: Samples
    asked: list[float]  # when payments was called
    start: float
    struck: float
    healed: float
    end: float


async def timeline(rig: Rig) -> Timeline:
    """Payments answers in 5 s for a while; the rest of the bad weather is `rig.without`."""
    for name in OTHERS:
        await rig.backends.well(name, Behaviour(latency=0.03, jitter=0.005))
    await rig.backends.well("payments", Behaviour(latency=0.05, jitter=0.01))
    services = {"payments": {"timeout": 10.0 if rig.without else 1.0}}  # the screen's whole budget: no timeout
    async with rig.gateway(services, {"shed": {"max_in_flight": PLACES}}) as gateway, offered(gateway.port, *STREAMS) as load:
        await asyncio.sleep(2)
        start, struck = await rig.steady(rig.seconds(6, 3))
        await rig.backends.fault("payments", Behaviour(latency=5.0))
        _, healed = await rig.steady(rig.seconds(15, 12))
        await rig.backends.fault("payments", None)
        _, end = await rig.steady(rig.seconds(10, 2))
    return Timeline(load.samples, await rig.backends.arrivals("payments"), start, struck, healed, end)


@scenario(
    "cascade",
    fault="payments answers in 5 s under 200 concurrent calls",
    answer="its calls are cut at 1 s, then its breaker opens; who searches or looks at an account never notices",
    limits=(
        latency("p99 of payments until the breaker opens", 1050, "ms"),
        most("breaker open after", 12, "s"),
        least("search and account served", 100, "%"),
        latency("p99 of search and account, times the healthy one", 1.1, "x"),
    ),
    without=(Without("timeout, bulkhead and breaker", UNGUARDED),),
)
async def cascade(rig: Rig) -> Figures:
    run = await timeline(rig)
    others, pay = run.samples.of(*OTHERS), run.samples.of("pay")
    opened = opened_after(run.asked, run.struck, run.healed)
    bad = others.between(run.struck, run.healed)
    return {
        "p99 of payments until the breaker opens": 1000 * pay.between(run.struck, min(run.struck + opened, run.healed)).p(0.99),
        "breaker open after": opened,
        "search and account served": 100 * bad.share(lambda sample: sample.status == 200),
        "p99 of search and account, times the healthy one": bad.p(0.99) / others.between(run.start, run.struck).p(0.99),
    }
