"""Backends that do not answer, or answer too late: F01, F02, F16."""

import asyncio
import time

from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.calls import opened_after, paced, parts
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import BOARD, Rig
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario

# How long a rate window remembers the good calls before the fault: half of it must be bad before a breaker opens.
WINDOW = {"breaker": {"window": 3.0}}


@scenario(
    "F01",
    fault="an optional backend hangs",
    answer="its section is cut at 400 ms and named, the others are served; then its breaker opens and it is not asked",
    limits=(
        least("answered 200", 100, "%"),
        latency("p99 until the breaker opens", 450, "ms"),
        most("breaker open after", 12, "s"),
        latency("p99 after that, above the healthy one", 10, "ms"),
    ),
    without=(
        Without("breaker", {"breaker": {"on": False}}),
        Without("timeout", {"timeout": 1.0, "breaker": {"on": False}, "max_in_flight": 10_000}),
    ),
    tests=(
        "tests/product/test_screens.py::test_with_reviews_hung_home_is_there_within_the_sections_timeout_and_names_what_failed",
    ),
)
async def f01(rig: Rig) -> Figures:
    services = {"picks": WINDOW} if rig.brief else {}
    async with rig.gateway(services) as gateway, offered(gateway.port, BOARD) as load:
        await asyncio.sleep(2)  # imports, connections, caches
        healthy = await rig.steady(rig.seconds(5, 2))
        await rig.backends.fault("picks", Behaviour("hang"))
        struck, ended = await rig.steady(rig.seconds(14, 6))
    opened = opened_after(await rig.backends.arrivals("picks"), struck, ended)
    samples = load.samples
    open_at = min(struck + opened + 0.4, ended - 1)  # those that were in flight when it opened may still be cut
    return {
        "answered 200": 100 * samples.between(healthy[0], ended).share(lambda sample: sample.status == 200),
        "p99 until the breaker opens": 1000 * samples.between(struck, open_at).p(0.99),
        "breaker open after": opened,
        "p99 after that, above the healthy one": 1000
        * (samples.between(open_at, ended).p(0.99) - samples.between(*healthy).p(0.99)),
    }


@scenario(
    "F02",
    fault="a required backend hangs",
    answer="504 in the problem format at the service's timeout, 503 at once when its breaker is open",
    limits=(
        latency("p99", 450, "ms"),
        most("answers over the budget + 50 ms", 0),
        least("503 and 504 in the problem format", 100, "%"),
    ),
    without=(Without("timeout", {"timeout": 1.0, "breaker": {"on": False}, "max_in_flight": 10_000}),),
    tests=("tests/composition/test_engine.py::test_a_required_section_that_fails_fails_the_screen_and_cancels_the_rest",),
)
async def f02(rig: Rig) -> Figures:
    async with rig.gateway() as gateway, offered(gateway.port, BOARD) as load:
        await asyncio.sleep(2)
        await rig.backends.fault("account", Behaviour("hang"))
        struck, ended = await rig.steady(rig.seconds(8, 3))
        problem = await gateway.ask("/rig/v1/board")
    samples = load.samples.between(struck + 0.1, ended)
    right = problem.headers["content-type"] == "application/problem+json"
    return {
        "p99": 1000 * samples.p(0.99),
        "answers over the budget + 50 ms": len(samples.where(lambda sample: sample.took > 1.05)),
        "503 and 504 in the problem format": 100 * right * samples.share(lambda sample: sample.status in (503, 504)),
    }


@scenario(
    "F16",
    fault="60 % of the answers take 2 s, with 200 OK",
    answer="the slow-call rate opens the breaker",
    limits=(most("breaker open after", 12, "s"),),
    without=(Without("the slow-call rate", {"breaker": {"slow_after": 3.9}}),),
)
async def f16(rig: Rig) -> Figures:
    settings = {
        "instances": rig.backends.urls("picks")[:1],
        "timeout": 4.0,
        "breaker": {"slow_after": 1.0, **(WINDOW["breaker"] if rig.brief else {})},
    }
    async with rig.service(settings) as service:
        healthy = rig.seconds(5, 1)
        await paced(parts(service), 40, healthy)
        await rig.backends.fault("picks", Behaviour(latency=2.0, share=0.6))
        struck, slow = time.monotonic(), rig.seconds(14, 6)
        await paced(parts(service), 40, slow)
    return {"breaker open after": opened_after(await rig.backends.arrivals("picks"), struck, struck + slow)}
