"""The state that instances share is away, hung, emptied, or told by clocks that are wrong: F29 to F34."""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import orjson

from bff.state.open import state_of
from bff.state.store import StateUnavailable
from bff.state_settings import StateSettings
from bff.testing import StubService
from tests.faults.proxy import FaultProxy, Toxics
from tests.faults.rig.gateway import Gateway
from tests.faults.rig.mutations import mutated
from tests.faults.rig.offering import Offered, offered
from tests.faults.rig.rig import Rig
from tests.faults.rig.samples import Sample, Samples, Stream
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario
from tests.faults.rig.scenarios.identity import AUDIENCE, ISSUER, KEYS, issued_by
from tests.identity.tokens import signer
from tests.redis_server import RedisServer, redis_sentinel, redis_server

ACCOUNT, SEARCH = "/rig/v1/account", "/rig/v1/search"
# Longer than it takes instances to hear of each other.
_MEET = 6.0
# A request that Redis made wait for longer than the budget of a command and a little scheduling.
_SLOW = 0.03
_WINDOW = 10.0
_LIMIT = 1000


def _shared(url: str, **policies: dict[str, object]) -> dict[str, object]:
    return {"state": {"url": url}, "rate_limits": policies}


_COUNTED: dict[str, object] = {"by": ["everyone"], "to": ["rig/account"], "limit": _LIMIT, "window": _WINDOW}


@asynccontextmanager
async def _gateways(rig: Rig, count: int, more: dict[str, object], codes: Sequence[str] = ()) -> AsyncIterator[list[Gateway]]:
    async with AsyncExitStack() as stack:
        named = [*codes, *[""] * (count - len(codes))]
        yield list(await asyncio.gather(*(stack.enter_async_context(rig.gateway(more=more, code=code)) for code in named)))


@asynccontextmanager
async def _load(gateways: Sequence[Gateway], *streams: Stream) -> AsyncIterator[list[Offered]]:
    """The same load on each of them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(offered(gateway.port, *streams)) for gateway in gateways]


def _joined(loads: Sequence[Offered]) -> Samples:
    """Those of all instances, of whatever stream."""
    found = [Sample(0, one.due, one.took, one.status, one.complete) for load in loads for one in load.samples.all]
    return Samples([""], found)


def _failures(samples: Samples) -> int:
    """Answers of 5xx, and requests without one."""
    return len(samples.where(lambda sample: sample.status >= 500 or sample.status == 0))


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
        latency("p99 after the first second, above the healthy one", 5, "ms"),
        most("admitted in any window, of the limit", 150, "%"),
        least("admitted in the last window, of the limit", 50, "%"),
    ),
    without=(Without("each one's share", code="every instance believes it is alone"),),
)
async def f29(rig: Rig) -> Figures:
    async with redis_server() as redis:
        stream = Stream("account", ACCOUNT, 150)
        more = _shared(redis.url, everyone=_COUNTED)
        async with _gateways(rig, 2, more) as gateways, _load(gateways, stream) as loads:
            await asyncio.sleep(max(_MEET, _WINDOW))
            healthy = await rig.steady(rig.seconds(5, 2))
            redis.kill()
            struck, ended = await rig.steady(rig.seconds(2 * _WINDOW, 1.2 * _WINDOW))
    samples = _joined(loads)
    admitted = samples.answered(200).between(ended - _WINDOW, ended)
    return {
        "answers of 5xx, or none": _failures(samples.between(healthy[0], ended)),
        "p99 after the first second, above the healthy one": 1000
        * (samples.between(struck + 1, ended).p(0.99) - samples.between(*healthy).p(0.99)),
        "admitted in any window, of the limit": 100 * _most_admitted(samples, _WINDOW, struck, ended) / _LIMIT,
        "admitted in the last window, of the limit": 100 * len(admitted) / _LIMIT,
    }


@scenario(
    "F30",
    fault="Redis hangs (SIGSTOP) for 30 s",
    answer="a command has 30 ms; then nobody waits for Redis until it has answered again",
    limits=(
        latency("longest wait, above the longest of a gateway without Redis", 60, "ms"),
        most("slow requests, above those of a gateway without Redis", 20),
        most("answers of 5xx, or none", 0),
        most("back on Redis after", 2, "s"),
    ),
    without=(Without("the budget of a command", more={"state": {"timeout": 2.0}}),),
)
async def f30(rig: Rig) -> Figures:
    async with redis_server() as redis:
        stream = Stream("account", ACCOUNT, 100)
        policy = {**_COUNTED, "limit": 1_000_000}
        async with (
            rig.gateway(more=_shared(redis.url, everyone=policy)) as gateway,
            rig.gateway() as alone,
            offered(gateway.port, stream) as load,
            offered(alone.port, stream) as control,
        ):
            await asyncio.sleep(2)
            redis.stop()
            struck, ended = await rig.steady(rig.seconds(30, 5))
            redis.cont()
            back = await _runs_scripts_after(redis)
            await asyncio.sleep(1)
    samples, others = load.samples.between(struck, ended), control.samples.between(struck, ended)
    slow = [len(found.where(lambda sample: sample.took > _SLOW)) for found in (samples, others)]
    return {
        "longest wait, above the longest of a gateway without Redis": 1000 * (samples.worst - others.worst),
        "slow requests, above those of a gateway without Redis": slow[0] - slow[1],
        "answers of 5xx, or none": _failures(load.samples),
        "back on Redis after": back,
    }


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
    policy = {**_COUNTED, "limit": 1_000_000}
    stream = Stream("account", ACCOUNT, 100)
    async with (
        redis_sentinel() as watched,
        _gateways(rig, 2, _shared(watched.url, everyone=policy)) as gateways,
        _load(gateways, stream) as loads,
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
    samples = _joined(loads)
    return {
        "answers of 5xx, or none": _failures(samples.where(lambda sample: sample.due >= start)),
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


# Ten times this is offered, by three instances and two policies.
_PER_SECOND = 40
_BUCKET: dict[str, object] = {"by": ["everyone"], "limit": _PER_SECOND, "window": 1.0, "algorithm": "bucket"}


@scenario(
    "F33",
    fault="three instances, one key, ten times its limit for 30 s",
    answer="one count for all: exact in Redis, or leased in small parts",
    limits=(
        most("exact: admitted, off limit x time + burst", 1, "%"),
        most("leased: admitted over limit x time + burst", 5, "%"),
        least("leased: admitted of limit x time", 90, "%"),
        most("answers of 5xx, or none", 0),
    ),
    without=(Without("the shared count", more={"rate_limits": {"exact": {"shared": "local"}, "leased": {"shared": "local"}}}),),
    tests=("tests/state/test_limiter.py",),
)
async def f33(rig: Rig) -> Figures:
    seconds = rig.seconds(30, 6)
    policies = {
        "exact": {**_BUCKET, "to": ["rig/account"], "shared": "exact"},
        "leased": {**_BUCKET, "to": ["rig/search"], "shared": "leased"},
    }
    each = 10 * _PER_SECOND / 3
    async with redis_server() as redis, _gateways(rig, 3, _shared(redis.url, **policies)) as gateways:
        await asyncio.sleep(_MEET)
        async with _load(gateways, Stream("exact", ACCOUNT, each), Stream("leased", SEARCH, each)) as loads:
            await asyncio.sleep(seconds)
    found = {}
    for name in policies:
        samples = sorted((sample for load in loads for sample in load.samples.of(name).all), key=lambda one: one.due + one.took)
        lasted = samples[-1].due + samples[-1].took - samples[0].due - samples[0].took
        admitted = sum(sample.status == 200 for sample in samples)
        found[name] = (admitted, _PER_SECOND * lasted)
    (exact, of_exact), (leased, of_leased) = found["exact"], found["leased"]
    return {
        "exact: admitted, off limit x time + burst": 100 * abs(exact / (of_exact + _PER_SECOND) - 1),
        "leased: admitted over limit x time + burst": 100 * (leased / (of_leased + _PER_SECOND) - 1),
        "leased: admitted of limit x time": 100 * leased / of_leased,
        "answers of 5xx, or none": sum(_failures(load.samples) for load in loads),
    }


@scenario(
    "F34",
    fault="the clocks of instances are 5 minutes ahead and behind",
    answer="limits go by Redis's clock, ends by the monotonic one; a token is refused beyond the leeway, and the log says why",
    limits=(
        most("limiter off limit x time + burst", 1, "%"),
        most("tokens refused that are good by any of the clocks", 0),
        most("new tokens refused by a clock within the leeway", 0),
        least("new tokens refused by a clock 5 minutes behind", 100, "%"),
        least("of those, told as not-yet in the access log", 100, "%"),
    ),
    without=(
        Without("one clock for the limiter", more={"rate_limits": {"everyone": {"shared": "local"}}}),
        Without("the look at the time", more={"issuers": {"rig": {"leeway": 300.0}}}),
    ),
    tests=("tests/identity/test_jwt_refusals.py::test_a_clock_off_by_the_leeway_is_forgiven",),
)
async def f34(rig: Rig) -> Figures:
    key, now = signer("k1", "ES256"), int(time.time())
    told: dict[str, object] = {"iss": ISSUER, "sub": "7", "aud": AUDIENCE}
    old = Stream("old", SEARCH, 20, _bearer(key.sign({**told, "iat": now - 900, "exp": now + 2700})))
    new = Stream("new", SEARCH, 20, _bearer(key.sign({**told, "iat": now + 5, "exp": now + 2700, "jti": "new"})))
    counted = Stream("counted", ACCOUNT, 200)
    policy = {**_BUCKET, "to": ["rig/account"], "limit": 60}
    async with redis_server() as redis, StubService({KEYS: {"keys": [key.jwk()]}}, name="issuer") as issuer:
        more = {**_shared(redis.url, everyone=policy), **issued_by(issuer)}
        with tempfile.TemporaryDirectory(prefix="f34-") as folder:
            log = Path(folder) / "behind.log"
            async with AsyncExitStack() as stack:
                ahead = await stack.enter_async_context(rig.gateway(more=more, code="clock 5 minutes ahead"))
                out = stack.enter_context(log.open("wb"))
                behind = await stack.enter_async_context(rig.gateway(more=more, code="clock 5 minutes behind", out=out))
                right = await stack.enter_async_context(rig.gateway(more=more))
                await asyncio.sleep(_MEET)
                async with _load([ahead, behind, right], old, new, counted) as loads:
                    await asyncio.sleep(rig.seconds(20, 6))
            refusals = [orjson.loads(line) for line in log.read_bytes().splitlines() if b'"refused"' in line]
    samples = sorted((one for load in loads for one in load.samples.of("counted").all), key=lambda one: one.due + one.took)
    lasted = samples[-1].due + samples[-1].took - samples[0].due - samples[0].took
    admitted = sum(sample.status == 200 for sample in samples)
    late = loads[1].samples.of("new")
    return {
        "limiter off limit x time + burst": 100 * abs(admitted / (60 * lasted + 60) - 1),
        "tokens refused that are good by any of the clocks": sum(
            len(load.samples.of("old").where(lambda sample: sample.status != 200)) for load in loads
        ),
        "new tokens refused by a clock within the leeway": len(
            loads[2].samples.of("new").where(lambda sample: sample.status != 200)
        ),
        "new tokens refused by a clock 5 minutes behind": 100 * late.share(lambda sample: sample.status == 401),
        "of those, told as not-yet in the access log": 100
        * sum(line["refused"] == "not-yet" for line in refusals)
        / max(1, len(late.answered(401))),
    }


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
