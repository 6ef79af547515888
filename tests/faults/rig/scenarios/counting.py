"""What instances count together, and what wrong clocks do to it: F33 and F34."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import orjson

from bff.testing import StubService
from tests.faults.rig.rig import Rig
from tests.faults.rig.samples import Samples, Stream
from tests.faults.rig.scenario import Figures, Without, least, most, scenario
from tests.faults.rig.scenarios.fleet import ACCOUNT, CHECKOUT, MEET, SEARCH, failures, gateways, joined, loads_on, shared
from tests.faults.rig.scenarios.identity import AUDIENCE, ISSUER, KEYS, issued_by
from tests.identity.tokens import signer
from tests.redis_server import redis_server

_PER_SECOND = 20
_OVER = 10  # times the limit is offered, by three instances together
_INSTANCES = 3
_BUCKET: dict[str, object] = {"by": ["everyone"], "limit": _PER_SECOND, "window": 1.0, "algorithm": "bucket"}
# What is measured here is how Redis counts. On a full machine an answer may take longer than the usual 30 ms, and then
# instances judge alone: that is F29's and F30's.
_PATIENCE = 1.0


def _off(samples: Samples, per_second: float, burst: float) -> tuple[float, float]:
    """What was admitted over and under limit x time + burst, in percent; the other one of the two is negative, or 0.

    Redis judged each request at some moment between its being due and its answer; that is all that can be told from
    outside. So the first and the last one are at most, and at least, so far apart.
    """
    ends = [sample.due + sample.took for sample in samples.all]
    longest, shortest = max(ends) - samples.all[0].due, samples.all[-1].due - min(ends)
    admitted = len(samples.answered(200))
    return (
        100 * (admitted / (per_second * longest + burst) - 1),
        100 * (1 - admitted / (per_second * shortest + burst)),
    )


@scenario(
    "F33",
    fault="three instances, one key for each kind of limit, ten times the limit for 30 s",
    answer="one count for all: exact in Redis, or leased in small parts",
    limits=(
        most("exact bucket: admitted over limit x time + burst", 1, "%"),
        most("exact bucket: admitted under it", 1, "%"),
        most("sliding: admitted over limit x windows begun", 1, "%"),
        most("sliding: admitted under it", 1, "%"),
        most("leased: admitted over limit x time + burst", 5, "%"),
        least("leased: admitted of limit x time", 90, "%"),
        most("answers of 5xx, or none", 0),
    ),
    without=(
        Without(
            "the shared count",
            more={"rate_limits": {name: {"shared": "local"} for name in ("exact", "sliding", "leased")}},
        ),
    ),
    tests=("tests/state/test_limiter.py",),
)
async def f33(rig: Rig) -> Figures:
    """A window and a half for the sliding one: it lets its limit in within a tenth of each, then nobody until the next."""
    seconds = rig.seconds(30, 6)
    window = seconds / 1.5
    limit = round(window * _PER_SECOND)
    policies: dict[str, dict[str, object]] = {
        "exact": {**_BUCKET, "to": ["rig/account"], "shared": "exact"},
        "leased": {**_BUCKET, "to": ["rig/search"], "shared": "leased"},
        "sliding": {"by": ["everyone"], "to": ["rig/checkout"], "limit": limit, "window": window},
    }
    each = _OVER * _PER_SECOND / _INSTANCES
    streams = (Stream("exact", ACCOUNT, each), Stream("leased", SEARCH, each), Stream("sliding", CHECKOUT, each))
    async with redis_server() as redis:
        more = shared(redis.url, policies, timeout=_PATIENCE)
        async with gateways(rig, _INSTANCES, more) as instances:
            await asyncio.sleep(MEET)
            async with loads_on(instances, *streams) as loads:
                await asyncio.sleep(seconds)
    over, under = _off(joined(loads, "exact"), _PER_SECOND, _PER_SECOND)
    leased_over, _ = _off(joined(loads, "leased"), _PER_SECOND, _PER_SECOND)
    _, leased_under = _off(joined(loads, "leased"), _PER_SECOND, 0)
    sliding = 100 * (len(joined(loads, "sliding").answered(200)) / (2 * limit) - 1)
    return {
        "exact bucket: admitted over limit x time + burst": over,
        "exact bucket: admitted under it": under,
        "sliding: admitted over limit x windows begun": sliding,
        "sliding: admitted under it": 0 - sliding,
        "leased: admitted over limit x time + burst": leased_over,
        "leased: admitted of limit x time": 100 - leased_under,
        "answers of 5xx, or none": failures(joined(loads)),
    }


@scenario(
    "F34",
    fault="the clocks of instances are 5 minutes ahead and behind",
    answer="limits go by Redis's clock, ends by the monotonic one; a token is refused beyond the leeway, and the log says why",
    limits=(
        most("limiter: admitted over limit x time + burst", 1, "%"),
        most("limiter: admitted under it", 1, "%"),
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
    counted = Stream("counted", ACCOUNT, _OVER * _PER_SECOND / _INSTANCES)
    async with redis_server() as redis, StubService({KEYS: {"keys": [key.jwk()]}}, name="issuer") as issuer:
        policies = {"everyone": {**_BUCKET, "to": ["rig/account"]}}
        more = {**shared(redis.url, policies, timeout=_PATIENCE), **issued_by(issuer)}
        with tempfile.TemporaryDirectory(prefix="f34-") as folder:
            log = Path(folder) / "behind.log"
            async with AsyncExitStack() as stack:
                ahead = await stack.enter_async_context(rig.gateway(more=more, code="clock 5 minutes ahead"))
                out = stack.enter_context(log.open("wb"))
                behind = await stack.enter_async_context(rig.gateway(more=more, code="clock 5 minutes behind", out=out))
                right = await stack.enter_async_context(rig.gateway(more=more))
                await asyncio.sleep(MEET)
                async with loads_on([ahead, behind, right], old, new, counted) as loads:
                    await asyncio.sleep(rig.seconds(20, 6))
            refusals = [orjson.loads(line) for line in log.read_bytes().splitlines() if b'"refused"' in line]
    over, under = _off(joined(loads, "counted"), _PER_SECOND, _PER_SECOND)
    late = loads[1].samples.of("new")
    return {
        "limiter: admitted over limit x time + burst": over,
        "limiter: admitted under it": under,
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
