"""The faults F41 to F43 against a real server: the issuer is down, changes its keys, is hunted with made-up kids."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bff.identity.issuer import Issuer
from bff.identity.jwks import GAP, SOFT_TTL
from bff.identity.jwt import CACHE_TTL, JwtVerifier, Unauthenticated
from bff.identity.key_document import http_fetch
from bff.testing.faults import Fault
from bff.testing.stub import StubReply, StubService
from tests.identity.tokens import ISS, NOW, Signer, Time, claims, key_set, part, signer

OLD, NEW = signer("old", "ES256"), signer("new", "ES256")
TLS = ssl.create_default_context()  # made once: it reads the system's certificates


@dataclass
class Scene:
    """An issuer's server, a verifier that uses it, and the time."""

    stub: StubService
    checks: JwtVerifier
    clock: Time
    published: list[Signer]
    users: int = 0

    async def user(self, key: Signer) -> str | None:
        """A user never seen before comes with a token; None or the reason of the refusal."""
        self.users += 1
        now = NOW + int(self.clock.at)
        token = key.sign(claims(sub=f"user-{self.users}", iat=now - 10, exp=now + 300))
        try:
            await self.checks.verify(token)
        except Unauthenticated as refused:
            return refused.reason
        return None


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    published = [OLD]
    clock = Time()
    async with StubService(lambda _: StubReply(key_set(*(key.jwk() for key in published)))) as stub:
        issuer = Issuer(ISS, "bff", ("ES256",), f"http://{stub.address}/keys")
        checks = JwtVerifier([issuer], http_fetch(TLS), wall=clock.wall, now=clock.now)
        await checks.warm()
        yield Scene(stub, checks, clock, published)
        await checks.close()


async def settled(at: Scene) -> None:
    """Let a fetch that runs behind come to its end, good or bad."""
    running = [keys._task for keys in at.checks._keys.values() if keys._task is not None]
    if running:
        await asyncio.wait(running)


OUTAGES: dict[str, Fault | None] = {
    "down": None,
    "500": Fault("status", status=500),
    "empty set": Fault("raw", raw=b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"keys":[]}'),
    "not JSON": Fault("malformed"),
    "reset midway": Fault("reset_midway"),
}


@pytest.mark.parametrize("name", OUTAGES)
async def test_f41_ten_minutes_without_the_issuer_cost_no_user_anything(name: str) -> None:
    async with scene() as at:
        at.clock.at = SOFT_TTL - 10
        fault = OUTAGES[name]
        if fault is None:
            await at.stub.stop_listening()
        at.stub.fault = fault
        before = fetches(at)
        for _ in range(600):
            at.clock.at += 1
            assert await at.user(OLD) is None
            await settled(at)
        assert 15 <= fetches(at) - before <= 600 / GAP
        await at.stub.resume()
        at.stub.fault = None
        at.clock.at += GAP
        at.published.append(NEW)
        assert await at.user(NEW) is None


async def test_f41_an_issuer_that_hangs_makes_no_user_wait() -> None:
    async with scene() as at:
        at.stub.fault = Fault("hang")
        at.clock.at = SOFT_TTL + 1
        for turn in range(100):
            at.clock.at += 0.1
            with pytest.raises(StopIteration) as ended:  # in its first step: it waited for nothing at all
                at.user(OLD).send(None)
            assert ended.value.value is None
            if turn == 1:
                await at.stub.wait_for(lambda: at.stub.counters.calls == 2)
        assert fetches(at) == 2


async def test_f42_a_new_key_is_taken_within_thirty_seconds_and_with_overlap_nobody_is_refused() -> None:
    async with scene() as at:
        refused_at = []
        for second in range(1, 200):
            at.clock.at = second
            if second == 40:
                at.published.append(NEW)
            assert await at.user(OLD) is None
            if second > 40 and await at.user(NEW) is not None:
                refused_at.append(second)
        assert refused_at == []  # the last fetch was longer ago than GAP, so the first new token brought the key
        assert fetches(at) == 2


async def test_f42_even_a_key_used_before_it_is_published_is_taken_thirty_seconds_after() -> None:
    async with scene() as at:
        taken_at = None
        for second in range(31, 120):
            at.clock.at = second
            if second == 33:
                at.published.append(NEW)
            if await at.user(NEW) is None and taken_at is None:
                taken_at = second
            await settled(at)
        assert taken_at is not None
        assert taken_at - 33 <= GAP


async def test_f42_a_removed_key_is_refused_after_the_ttl() -> None:
    async with scene() as at:
        at.published[:] = [NEW]
        last_good = 0.0
        for second in range(1, 400):
            at.clock.at = second
            if await at.user(OLD) is None:
                last_good = second
            await settled(at)
        assert last_good <= SOFT_TTL + 1
        assert await at.user(OLD) == "key"
        assert await at.user(NEW) is None


async def test_f42_a_token_of_a_removed_key_that_was_known_is_refused_a_minute_later() -> None:
    async with scene() as at:
        at.clock.at = SOFT_TTL
        token = OLD.sign(claims(exp=int(at.clock.wall()) + 3600))
        await at.checks.verify(token)
        at.published[:] = [NEW]
        at.clock.at = SOFT_TTL + 1
        assert await at.user(OLD) is None
        await settled(at)
        at.clock.at = SOFT_TTL + CACHE_TTL - 1
        await at.checks.verify(token)
        at.clock.at = SOFT_TTL + CACHE_TTL
        with pytest.raises(Unauthenticated, match="key"):
            await at.checks.verify(token)


async def test_f43_ten_thousand_made_up_kids_in_ten_seconds_cost_one_fetch() -> None:
    async with scene() as at:
        at.clock.at = 2 * GAP
        stolen = OLD.sign(claims()).split(".")
        for number in range(10_000):
            at.clock.at += 0.001
            token = made_up(number, stolen)
            with pytest.raises(Unauthenticated, match="key"):
                await at.checks.verify(token)
            if number % 100 == 0:
                assert await at.user(OLD) is None
        assert fetches(at) == 2


async def test_f43_made_up_kids_that_come_at_once_wait_together() -> None:
    async with scene() as at:
        at.clock.at = 2 * GAP
        stolen = OLD.sign(claims()).split(".")
        tokens = [made_up(number, stolen) for number in range(1000)]
        ended = await asyncio.gather(*(at.checks.verify(token) for token in tokens), return_exceptions=True)
        assert {str(one) for one in ended} == {"key"}
        assert fetches(at) == 2


def made_up(number: int, good: list[str]) -> str:
    header = part({"alg": "ES256", "typ": "at+jwt", "kid": f"made-up-{number}"}).decode()
    return ".".join([header, *good[1:]])


def fetches(at: Scene) -> int:
    """As the verifier counts them: an issuer that refuses connections counts nothing."""
    return sum(keys.fetches for keys in at.checks._keys.values())
