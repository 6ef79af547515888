"""Who vouches for callers is away, changes its keys, or is asked for keys that nobody has: F41, F42, F43."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress

from bff.errors import BackendError
from bff.identity.issuer import Issuer
from bff.identity.jwks import SOFT_TTL
from bff.identity.jwt import JwtVerifier, Unauthenticated
from bff.identity.key_document import http_fetch
from bff.testing import Fault, StubReply, StubService
from tests.faults.rig.mutations import mutated
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import Rig
from tests.faults.rig.samples import Stream
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario
from tests.identity.tokens import Signer, forge, key_set, signer

ISSUER, AUDIENCE, KEYS = "https://id.example", "thali", "/keys"
# Real seconds that a second of the injected clock takes: enough for a fetch over a real socket to end within it.
_SECOND = 0.004
_PATIENCE = 0.2  # real seconds after which a caller was made to wait
_LET = 0.5  # real seconds after a change in which whatever was begun ends


class _Clock:
    """Monotonic and wall time of a verifier: a second passes with each `tick`."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return 1_800_000_000 + self.at

    async def tick(self) -> None:
        self.at += 1
        await asyncio.sleep(_SECOND)


class _Traffic:
    """A verifier over a real key server; `ask` brings a new token of a key and tells whether it was taken."""

    def __init__(self, server: StubService) -> None:
        self.server = server
        self.clock = _Clock()
        issuer = Issuer(ISSUER, AUDIENCE, ("ES256",), f"http://{server.address}{KEYS}")
        self.verifier = JwtVerifier([issuer], self._fetch, wall=self.clock.wall, now=self.clock.now)
        self.fetched: list[float] = []  # when, by the clock
        self._real = http_fetch()
        self._number = 0

    def publish(self, *keys: Signer) -> None:
        self.server.handler = lambda request: StubReply(body=key_set(*(key.jwk() for key in keys)))

    async def ask(self, key: Signer) -> bool:
        self._number += 1
        moment = int(self.clock.wall())
        told = {"iss": ISSUER, "sub": "7", "aud": AUDIENCE, "iat": moment, "exp": moment + 300, "jti": str(self._number)}
        try:
            await self.verifier.verify(key.sign(told))
        except Unauthenticated:
            return False
        return True

    async def _fetch(self, url: str) -> bytes:
        self.fetched.append(self.clock.at)
        return await self._real(url)


@asynccontextmanager
async def _traffic(rig: Rig, *keys: Signer) -> AsyncIterator[_Traffic]:
    with _without(rig):
        async with StubService({}, name="issuer") as server:
            traffic = _Traffic(server)
            traffic.publish(*keys)
            await traffic.verifier.warm()
            try:
                yield traffic
            finally:
                await traffic.verifier.close()


@contextmanager
def _without(rig: Rig) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(mutated(rig.without.code if rig.without else ""))
        yield


@scenario(
    "F41",
    fault="the issuer's keys cannot be had for 10 minutes: away, 500, hung, an empty set",
    answer="the keys at hand are used on, for a day; who asks is never made to wait",
    limits=(
        most("valid tokens refused or not decided", 0),
        most("fetches in any 30 s", 1),
        most("longest wait of a caller", 250, "ms"),
        least("fetches that were tried", 4),
    ),
    without=(Without("old keys", code="old keys are forgotten"),),
    tests=("tests/identity/test_jwks_faults.py::test_an_outage_refuses_nobody",),
)
async def f41(rig: Rig) -> Figures:
    """Ten minutes of each fault, with a clock that is 250 times as quick."""
    key, outage = signer("k1", "ES256"), rig.calls(600, 100)
    refused = 0
    longest = 0.0
    async with _traffic(rig, key) as traffic:
        for fault in (Fault("reset"), Fault("status", status=500), Fault("hang"), None):
            if fault is None:
                traffic.publish()  # an empty set
            traffic.server.fault = fault
            traffic.clock.at += SOFT_TTL + 1  # the keys are old already when the issuer goes
            for _ in range(outage):
                began = time.monotonic()
                try:
                    async with asyncio.timeout(_PATIENCE):
                        refused += not await traffic.ask(key)
                except (TimeoutError, BackendError):
                    refused += 1
                longest = max(longest, time.monotonic() - began)
                await traffic.clock.tick()
            traffic.server.fault = None
            traffic.publish(key)
            traffic.clock.at += SOFT_TTL + 1
            await asyncio.sleep(_LET)
            with suppress(BackendError):
                await traffic.ask(key)
            await asyncio.sleep(_LET)
        fetched = traffic.fetched[1:]  # the first was before the outage
    return {
        "valid tokens refused or not decided": refused,
        "fetches in any 30 s": max((sum(at <= other < at + 30 for other in fetched) for at in fetched), default=0),
        "longest wait of a caller": 1000 * longest,
        "fetches that were tried": len(fetched),
    }


@scenario(
    "F42",
    fault="the issuer changes its key in the middle of traffic",
    answer="an unknown key is looked for at once, at most twice a minute; a removed one goes with the next fetch",
    limits=(
        most("a key that is used as soon as it is published is taken after", 30, "s"),
        most("refused, with a minute of overlap", 0),
        most("a removed key is refused after", 360, "s"),
        most("tokens of the old key refused while it is there", 0),
    ),
    without=(Without("the look for an unknown key", code="new kids wait for the next fetch"),),
    tests=("tests/identity/test_jwks.py::test_a_new_key_is_found_as_soon_as_it_is_used",),
)
async def f42(rig: Rig) -> Figures:
    old, new, newer = (signer(name, "ES256") for name in ("k1", "k2", "k3"))
    async with _traffic(rig, old) as traffic:
        old_refused = 0
        for _ in range(100):
            await traffic.clock.tick()
            old_refused += not await traffic.ask(old)
        traffic.publish(old, new)
        published, taken = traffic.clock.at, float("inf")
        for _ in range(60):
            await traffic.clock.tick()
            old_refused += not await traffic.ask(old)
            if await traffic.ask(new):
                taken = min(taken, traffic.clock.at - published)
        traffic.publish(old, new, newer)
        for _ in range(60):
            await traffic.clock.tick()
            old_refused += not await traffic.ask(old)
        late = 0
        for _ in range(30):
            await traffic.clock.tick()
            late += not await traffic.ask(newer)
        traffic.publish(new, newer)
        removed, gone = traffic.clock.at, float("inf")
        while traffic.clock.at < removed + 400:
            await traffic.clock.tick()
            if not await traffic.ask(old):
                gone = traffic.clock.at - removed
                break
    return {
        "a key that is used as soon as it is published is taken after": taken,
        "refused, with a minute of overlap": late,
        "a removed key is refused after": gone,
        "tokens of the old key refused while it is there": old_refused,
    }


@scenario(
    "F43",
    fault="10,000 tokens with made-up keys in 10 s",
    answer="the issuer is asked once in 30 s, whoever wants what; the made-up ones are refused without it",
    limits=(
        most("fetches in the 10 s", 1),
        least("made-up tokens refused with 401 or 429", 100, "%"),
        least("valid users answered 200", 100, "%"),
        latency("p99 of valid users, times the healthy one", 1.2, "x"),
    ),
    without=(Without("the pause between fetches", code="every unknown kid is looked for"),),
    tests=("tests/identity/test_jwks.py::test_made_up_kids_are_no_storm_on_the_issuer",),
)
async def f43(rig: Rig) -> Figures:
    """Two gateways, one of them without the made-up tokens, so that what else the machine does is done to both."""
    key, chance = signer("k1", "ES256"), random.Random(43)
    moment = int(time.time())
    told: dict[str, object] = {"iss": ISSUER, "sub": "7", "aud": AUDIENCE, "iat": moment, "exp": moment + 3000}
    # Users come from elsewhere than who makes tokens up: who fails too often is locked out by address (S038).
    users = [key.sign({**told, "sub": str(number)}) for number in range(500)]
    made_up = [
        forge({"alg": "ES256", "typ": "at+jwt", "kid": f"{chance.getrandbits(64):x}"}, told, lambda _: chance.randbytes(64))
        for _ in range(10_000)
    ]
    valid = Stream("valid", "/rig/v1/account", 100, _from("198.51.100.7"), values=users)
    storm = Stream("storm", "/rig/v1/account", 1000, _from("203.0.113.9"), values=made_up)
    document = {KEYS: {"keys": [key.jwk()]}}
    async with (
        StubService(document, name="issuer") as server,
        StubService(document, name="issuer") as other,
        rig.gateway(more=issued_by(server)) as gateway,
        rig.gateway(more=issued_by(other)) as healthy,
        offered(gateway.port, valid) as load,
        offered(healthy.port, valid) as control,
    ):
        await asyncio.sleep(2)
        server.reset_counters()
        async with offered(gateway.port, storm) as bad:
            await asyncio.sleep(1)
            start, end = await rig.steady(rig.seconds(9, 3))
            fetches = server.counters.calls
    others, well = load.samples.between(start, end), control.samples.between(start, end)
    return {
        "fetches in the 10 s": fetches,
        "made-up tokens refused with 401 or 429": 100 * bad.samples.share(lambda sample: sample.status in (401, 429)),
        "valid users answered 200": 100 * others.share(lambda sample: sample.status == 200),
        "p99 of valid users, times the healthy one": others.p(0.99) / well.p(0.99),
    }


def _from(address: str) -> dict[str, str]:
    return {"authorization": "Bearer {value}", "x-forwarded-for": address}


def issued_by(server: StubService) -> dict[str, object]:
    """Settings of a gateway that takes the tokens of this issuer, and the harness for its balancer."""
    issuer = {"issuer": ISSUER, "jwks_url": f"http://{server.address}{KEYS}", "audience": AUDIENCE, "algorithms": ["ES256"]}
    return {"issuers": {"rig": issuer}, "server": {"trusted_proxies": ["127.0.0.1/32"]}}
