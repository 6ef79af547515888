"""The state that instances share is away, hung or emptied, or its answers are late: F29 to F32."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence

from bff.state.open import state_of
from bff.state.store import StateUnavailable
from bff.state_settings import StateSettings
from tests.faults.proxy import FaultProxy, Toxics
from tests.faults.rig.gateway import Gateway
from tests.faults.rig.mutations import mutated
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import RATE, Rig
from tests.faults.rig.samples import Samples, Stream
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario
from tests.faults.rig.scenarios.fleet import ACCOUNT, MEET, failures, gateways, joined, loads_on, shared
from tests.redis_server import RedisServer, redis_sentinel, redis_server

# A request that Redis made wait as long as a command may take.
_SLOW = 0.03
_WINDOW = 10.0
_LIMIT = 1000
_COUNTED: dict[str, object] = {"by": ["everyone"], "to": ["rig/account"], "limit": _LIMIT, "window": _WINDOW}
_COUNTED_ONLY: dict[str, object] = {**_COUNTED, "limit": 1_000_000}


def _most_admitted(samples: Samples, window: float, start: float, end: float) -> int:
    """The most 200s in any window that ends between two moments."""
    due = [sample.due for sample in samples.answered(200).all]
    first = best = 0
    for last, at in enumerate(due):
        while due[first] <= at - window:
            first += 1
        if start <= at < end:
            best = max(best, last - first + 1)
    return best


@scenario(
    "F29",
    fault="Redis is killed",
    answer="each instance counts its share of the limit in its own memory",
    limits=(
        most("answers of 5xx, or none", 0),
        latency("p99 after the first second, above that of a gateway whose Redis lives", 5, "ms"),
        most("admitted in any window, of the limit", 150, "%"),
        least("admitted in the last window, of the limit", 50, "%"),
    ),
    without=(Without("each one's share", code="every instance believes it is alone"),),
)
async def f29(rig: Rig) -> Figures:
    """A third gateway has a Redis of its own that lives on, so that what else the machine does is done to all."""
    stream = Stream("account", ACCOUNT, RATE)
    async with (
        redis_server() as redis,
        redis_server() as other,
        gateways(rig, 2, shared(redis.url, {"everyone": _COUNTED})) as struck_ones,
        rig.gateway(more=shared(other.url, {"everyone": _COUNTED})) as healthy,
        loads_on(struck_ones, stream) as loads,
        offered(healthy.port, stream) as control,
    ):
        await asyncio.sleep(max(MEET, _WINDOW))
        redis.kill()
        struck, ended = await rig.steady(rig.seconds(2 * _WINDOW, 1.2 * _WINDOW))
    samples = joined(loads)
    admitted = samples.answered(200).between(ended - _WINDOW, ended)
    p99 = [found.between(struck + 1, ended).p(0.99) for found in (samples, control.samples)]
    return {
        "answers of 5xx, or none": failures(samples),
        "p99 after the first second, above that of a gateway whose Redis lives": 1000 * (p99[0] - p99[1]),
        "admitted in any window, of the limit": 100 * _most_admitted(samples, _WINDOW, struck, ended) / _LIMIT,
        "admitted in the last window, of the limit": 100 * len(admitted) / _LIMIT,
    }


@scenario(
    "F30",
    fault="Redis hangs (SIGSTOP) for 30 s",
    answer="a command has 30 ms; then nobody waits for Redis until it has answered again",
    limits=(
        latency("longest wait, above the longest of a gateway without Redis", 60, "ms"),
        most("slow requests of two instances, above those of two without Redis", 20),
        most("requests that waited for Redis in vain, as the instances tell", 20),
        most("answers of 5xx, or none", 0),
        most("back on Redis after", 2, "s"),
    ),
    without=(Without("the budget of a command", more={"state": {"timeout": 2.0}}),),
)
async def f30(rig: Rig) -> Figures:
    stream = Stream("account", ACCOUNT, RATE)
    async with (
        redis_server() as redis,
        gateways(rig, 2, shared(redis.url, {"everyone": _COUNTED_ONLY})) as instances,
        rig.gateway() as alone,
        loads_on(instances, stream) as loads,
        offered(alone.port, stream) as control,
    ):
        await asyncio.sleep(2)
        before = [await _commands(gateway, "failed") for gateway in instances]
        redis.stop()
        struck, ended = await rig.steady(rig.seconds(30, 5))
        in_vain = [await _commands(gateway, "failed") for gateway in instances]
        answered = [await _commands(gateway, "answered") for gateway in instances]
        redis.cont()
        back = await _until(lambda: _have_more(instances, answered), 20)
        await asyncio.sleep(1)
    samples, others = joined(loads).between(struck, ended), control.samples.between(struck, ended)
    slow = [len(found.where(lambda sample: sample.took > _SLOW)) for found in (samples, others)]
    return {
        "longest wait, above the longest of a gateway without Redis": 1000 * (samples.worst - others.worst),
        "slow requests of two instances, above those of two without Redis": slow[0] - len(instances) * slow[1],
        "requests that waited for Redis in vain, as the instances tell": sum(in_vain) - sum(before),
        "answers of 5xx, or none": failures(joined(loads)),
        "back on Redis after": back,
    }


async def _commands(gateway: Gateway, result: str) -> float:
    return await gateway.counted("thali_state_commands", result=result)


async def _have_more(instances: Sequence[Gateway], answered: Sequence[float]) -> bool:
    """Whether each of them was answered by Redis since."""
    return all([await _commands(one, "answered") > old for one, old in zip(instances, answered, strict=True)])


async def _runs_scripts_after(redis: RedisServer, patience: float = 20.0) -> float:
    """Seconds until this server has run a script for a gateway; from now, with its counts at zero."""
    return await _until(lambda: _has_run(redis), patience)


async def _has_run(redis: RedisServer) -> bool:
    calls = await redis.calls()
    return calls.get("evalsha", 0) + calls.get("eval", 0) > 0


async def _until(holds: Callable[[], Awaitable[bool]], patience: float) -> float:
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if await holds():
            return time.monotonic() - began
        await asyncio.sleep(0.02)
    return float("inf")


@scenario(
    "F31",
    fault="Redis fails over to its replica; then FLUSHALL and SCRIPT FLUSH",
    answer="the new primary is found through the sentinel; what was counted begins anew, scripts are sent whole once",
    limits=(
        most("answers of 5xx, or none", 0),
        most("on the new primary after its promotion", 2, "s"),
        most("on Redis again after FLUSHALL and SCRIPT FLUSH", 2, "s"),
        least("admitted within a second of the flush", 50),
    ),
    without=(Without("sending a script that is not known", code="scripts are sent once"),),
)
async def f31(rig: Rig) -> Figures:
    stream = Stream("account", ACCOUNT, 100)
    async with (
        redis_sentinel() as watched,
        gateways(rig, 2, shared(watched.url, {"everyone": _COUNTED_ONLY})) as instances,
        loads_on(instances, stream) as loads,
    ):
        await asyncio.sleep(2)
        start = time.monotonic()
        watched.primary.kill()
        promoted = await _until(lambda: _leads(watched.replica), 20)
        await watched.replica.command("CONFIG", "RESETSTAT")
        found = await _runs_scripts_after(watched.replica)
        await asyncio.sleep(1)
        await watched.replica.command("FLUSHALL")
        await watched.replica.command("SCRIPT", "FLUSH")
        await watched.replica.command("CONFIG", "RESETSTAT")
        flushed = time.monotonic()
        again = await _until(lambda: _has_sent_whole(watched.replica), 20)
        await asyncio.sleep(2)
    samples = joined(loads)
    return {
        "answers of 5xx, or none": failures(samples.where(lambda sample: sample.due >= start)),
        "on the new primary after its promotion": found if promoted < float("inf") else promoted,
        "on Redis again after FLUSHALL and SCRIPT FLUSH": again,
        "admitted within a second of the flush": len(samples.answered(200).between(flushed, flushed + 1)),
    }


async def _leads(redis: RedisServer) -> bool:
    told = await redis.command("ROLE")
    return isinstance(told, list) and told[0] == b"master"


async def _has_sent_whole(redis: RedisServer) -> bool:
    """A script that ran by its hash after it had been forgotten was sent whole before."""
    calls = await redis.calls()
    return calls.get("eval", 0) > 0 and calls.get("evalsha", 0) > 1


@scenario(
    "F32",
    fault="10,000 Redis commands, half of them cancelled while their answers are on their way through a slow proxy",
    answer="a cancelled command's answer is read in its place and dropped",
    limits=(
        most("answers of another command", 0),
        least("answered rightly, of those not cancelled", 90, "%"),
        least("cancelled", 20, "%"),
    ),
    without=(Without("reading the answer of who is gone", code="answers skip who is gone"),),
)
async def f32(rig: Rig) -> Figures:
    count, chance = rig.calls(10_000, 1_500), random.Random(32)
    crossed = right = cancelled = lost = 0
    with mutated(rig.without.code if rig.without else ""):
        async with redis_server() as redis, FaultProxy("127.0.0.1", redis.port, seed=32) as proxy:
            store = state_of(StateSettings(url=f"redis://{proxy.address}/0", timeout=0.5))
            await store.start()
            for number in range(100):
                await store.set(f"thali:f32:{number}", b"%d" % number, 600)
            proxy.down = Toxics(latency=0.002, jitter=0.002)

            async def one(number: int) -> None:
                nonlocal crossed, right, cancelled, lost
                task = asyncio.create_task(store.get(f"thali:f32:{number % 100}"))
                if chance.random() < 0.5:
                    await asyncio.sleep(chance.uniform(0, 0.006))
                    task.cancel()
                try:
                    found = await task
                except asyncio.CancelledError:
                    cancelled += 1
                except StateUnavailable:
                    lost += 1
                else:
                    right += found == b"%d" % (number % 100)
                    crossed += found != b"%d" % (number % 100)

            for start in range(0, count, 50):
                await asyncio.gather(*(one(number) for number in range(start, start + 50)))
            await store.close()
    return {
        "answers of another command": crossed,
        "answered rightly, of those not cancelled": 100 * right / max(1, right + crossed + lost),
        "cancelled": 100 * cancelled / count,
    }
