"""S033: what is revoked is refused within ten seconds, on every instance, however well it is remembered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bff.identity import revocations as module
from bff.identity.claims import Claims
from bff.identity.jwt import JwtVerifier, Unauthenticated
from bff.identity.revocations import EVERY, MOST, Revocations, Revoked
from bff.state.memory import MemoryStore
from bff.state.open import state_of
from bff.state.store import StateUnavailable, Store, key_of
from bff.state_settings import StateSettings
from tests.identity.tokens import ISS, JWKS, NOW, Documents, Time, claims, issuer, key_set, signer
from tests.redis_server import RedisServer, redis_server

K1 = signer("k1", "ES256")


def instance(clock: Time, revocations: Revocations) -> JwtVerifier:
    documents = Documents({JWKS: key_set(K1.jwk())})
    return JwtVerifier([issuer()], documents, revocations=revocations, wall=clock.wall, now=clock.now)


@asynccontextmanager
async def shared(server: RedisServer) -> AsyncIterator[Store]:
    store = state_of(StateSettings(url=server.url, timeout=2.0))
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def session(name: str = "s1", **changes: object) -> str:
    return K1.sign(claims(jti="t1", sid=name, **changes))


@pytest.mark.parametrize(("kind", "value"), [("jti", "t1"), ("sid", "s1"), ("sub", "user-7")])
async def test_s033_a_revoked_token_session_or_subject_is_refused_although_it_is_remembered(
    kind: module.Kind, value: str
) -> None:
    clock = Time()
    revocations = Revocations(wall=clock.wall)
    checks = instance(clock, revocations)
    token, other = session(), K1.sign(claims(sub="user-8", jti="t2", sid="s2"))
    await checks.verify(token)
    await checks.verify(other)
    await revocations.revoke(kind, ISS, value)
    assert checks.cached(token) is None
    with pytest.raises(Unauthenticated, match="revoked"):
        await checks.verify(token)
    assert checks.cached(other) is not None
    await checks.close()


async def test_a_subject_who_logs_in_again_is_welcome() -> None:
    clock = Time()
    revocations = Revocations(wall=clock.wall)
    checks = instance(clock, revocations)
    await revocations.revoke("sub", ISS, "user-7")
    clock.at = 5
    token = session(iat=NOW + 3)
    assert (await checks.verify(token)).subject == "user-7"
    with pytest.raises(Unauthenticated, match="revoked"):
        await checks.verify(session(iat=NOW - 1))
    await checks.close()


async def test_a_revocation_is_about_one_issuer() -> None:
    clock = Time()
    revocations = Revocations(wall=clock.wall)
    checks = instance(clock, revocations)
    await revocations.revoke("sid", "https://other.example", "s1")
    assert (await checks.verify(session())).subject == "user-7"
    await checks.close()


async def test_s033_what_one_instance_revokes_another_refuses_at_its_next_look() -> None:
    clock = Time()
    async with redis_server() as server, shared(server) as one, shared(server) as two:
        here, there = Revocations(one, wall=clock.wall), Revocations(two, wall=clock.wall)
        checks = instance(clock, there)
        token = session()
        await checks.verify(token)
        await here.revoke("sid", ISS, "s1")
        assert checks.cached(token) is not None  # not yet: it has not looked
        await there.look()
        assert checks.cached(token) is None
        with pytest.raises(Unauthenticated, match="revoked"):
            await checks.verify(token)
        await checks.close()
    assert EVERY * 3 < 10


async def test_s033_the_task_that_looks_finds_it_by_itself() -> None:
    clock = Time()
    async with redis_server() as server, shared(server) as one, shared(server) as two:
        here, there = Revocations(one, wall=clock.wall), Revocations(two, wall=clock.wall)
        await here.revoke("sid", ISS, "s1")
        there.start()
        async with asyncio.timeout(5):
            while True:
                await asyncio.sleep(0)
                if there.epoch:
                    break
        await there.close()
        assert [task for task in asyncio.all_tasks() if task.get_name() == "revocations"] == []


async def test_one_that_starts_later_learns_all_that_still_counts() -> None:
    clock = Time()
    async with redis_server() as server, shared(server) as one, shared(server) as two:
        here = Revocations(one, wall=clock.wall)
        for number in range(250):
            await here.revoke("jti", ISS, f"t{number}")
        there = Revocations(two, wall=clock.wall)
        await there.look()
        assert there.epoch == 250
        await there.look()
        assert there.epoch == 250  # nothing is read twice


async def test_many_who_revoke_at_once_lose_nothing() -> None:
    clock = Time()
    async with redis_server() as server, shared(server) as store:
        writers = [Revocations(store, wall=clock.wall) for _ in range(10)]
        await asyncio.gather(*(one.revoke("jti", ISS, f"t{number}") for number, one in enumerate(writers)))
        reader = Revocations(store, wall=clock.wall)
        await reader.look()
        assert {value for _, _, value in reader._held} == {f"t{number}" for number in range(10)}


async def test_a_store_that_was_emptied_is_read_from_its_beginning() -> None:
    clock = Time()
    async with redis_server() as server, shared(server) as store:
        here, there = Revocations(store, wall=clock.wall), Revocations(store, wall=clock.wall)
        for number in range(5):
            await here.revoke("jti", ISS, f"t{number}")
        await there.look()
        await server.command("FLUSHALL")
        await Revocations(store, wall=clock.wall).revoke("jti", ISS, "later")
        await there.look()
        assert {value for _, _, value in there._held} == {"t0", "t1", "t2", "t3", "t4", "later"}


async def test_while_the_store_is_down_what_is_known_holds_and_the_one_who_revokes_is_told() -> None:
    clock = Time()
    async with redis_server() as server, shared(server) as store:
        revocations = Revocations(store, wall=clock.wall)
        checks = instance(clock, revocations)
        server.kill()
        with pytest.raises(StateUnavailable):
            await revocations.revoke("sid", ISS, "s1")
        with pytest.raises(Unauthenticated, match="revoked"):  # here it holds all the same
            await checks.verify(session())
        with pytest.raises(StateUnavailable):
            await revocations.look()
        await checks.close()


@pytest.mark.parametrize("poison", [b"\x80\x04K\x01.", b"[]", b'["jti",1]', b"9" * 5000, b"-1"])
async def test_what_is_not_of_our_writing_is_left_out(poison: bytes) -> None:
    clock = Time()
    async with redis_server() as server, shared(server) as store:
        here, there = Revocations(store, wall=clock.wall), Revocations(store, wall=clock.wall)
        await here.revoke("jti", ISS, "t1")
        await here.revoke("jti", ISS, "t2")
        await store.set(key_of("revoked", "1"), poison, 60)
        await there.look()
        assert {value for _, _, value in there._held} == {"t2"}
        await store.set(key_of("revoked", "head"), poison, 60)
        await there.look()


async def test_in_process_nothing_runs_behind() -> None:
    revocations = Revocations(MemoryStore(10_000))
    revocations.start()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "revocations"] == []
    await revocations.close()


def test_what_is_held_is_bounded_and_what_ends_leaves_first() -> None:
    clock = Time()
    revocations = Revocations(wall=clock.wall)
    revocations._take(Revoked("jti", ISS, f"old-{number}", NOW, NOW + 1) for number in range(MOST))
    clock.at = 2
    revocations._take([Revoked("jti", ISS, "new", NOW, NOW + 100)])
    assert list(revocations._held) == [("jti", ISS, "new")]
    revocations._take(Revoked("jti", ISS, f"more-{number}", NOW, NOW + 100) for number in range(MOST + 10))
    assert len(revocations._held) == MOST


async def test_a_token_that_does_not_say_when_it_was_made_ends_with_its_subject() -> None:
    clock = Time()
    revocations = Revocations(wall=clock.wall)
    timeless = Claims("user-7", ISS, frozenset(), None, NOW + 60, {}, issued_at=0)
    assert not revocations.hit(timeless)
    await revocations.revoke("sub", ISS, "user-7")
    assert revocations.hit(timeless)
