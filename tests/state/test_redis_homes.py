"""Redis under sentinels, in a cluster, and behind TLS."""

import asyncio
from pathlib import Path

import pytest
import uvloop
from redis.exceptions import RedisError

from bff.errors import Refusal
from bff.state.redis import redis_store
from bff.state.store import Script, StateUnavailable
from bff.state_settings import StateSettings
from tests.faults.test_wire_tls import Authority
from tests.redis_server import Cluster, RedisServer, redis_cluster, redis_sentinel, redis_server, until
from tests.redis_tls import tls_front
from tests.state.conftest import AMPLE
from tests.state.test_redis import COUNT, back

KEYS = [f"thali:{number}" for number in range(60)]


# Sentinel.


async def test_f31_after_a_failover_the_new_primary_is_used_within_two_seconds() -> None:
    async with redis_sentinel() as watched:
        store = redis_store(StateSettings(url=watched.url, timeout=0.2))
        await store.start()
        assert await store.run(COUNT, "thali:n", [5]) == [5, b"told"]
        assert await watched.primary.command("WAIT", 1, 1000) == 1
        watched.primary.kill()
        with pytest.raises(StateUnavailable):
            await store.run(COUNT, "thali:n", [1])
        await until(lambda: _is_primary(watched.replica), "the sentinel does not fail over")
        await back(store)
        assert await store.run(COUNT, "thali:n", [1]) == [6, b"told"]
        await store.close()


async def test_a_hung_primary_is_left_for_the_new_one() -> None:
    async with redis_sentinel() as watched:
        store = redis_store(StateSettings(url=watched.url, timeout=0.2))
        await store.start()
        await store.set("thali:a", b"1", 60)
        watched.primary.stop()
        with pytest.raises(StateUnavailable):
            await store.get("thali:a")
        await until(lambda: _is_primary(watched.replica), "the sentinel does not fail over")
        await back(store)
        watched.primary.cont()
        await store.close()


async def test_a_primary_that_became_a_replica_is_asked_no_more(redis: RedisServer) -> None:
    async with redis_server(name="other") as other:
        store = redis_store(StateSettings(url=redis.url, timeout=AMPLE))
        await store.start()
        await store.set("thali:a", b"1", 60)
        await redis.command("REPLICAOF", "127.0.0.1", other.port)
        with pytest.raises(StateUnavailable, match="READONLY"):
            await store.set("thali:a", b"2", 60)
        assert store.figures.breaker != "closed"
        await redis.command("CONFIG", "RESETSTAT")

        ours = 0

        async def looked_at() -> bool:
            nonlocal ours
            ours += 1
            return (await redis.calls()).get("info", 0) - ours >= 6  # each look asks twice

        await until(looked_at, "nobody looks whether it is a primary again")
        with pytest.raises(StateUnavailable):
            await store.get("thali:a")
        assert store.figures.connections == 1
        await redis.command("REPLICAOF", "NO", "ONE")
        await back(store)
        await store.close()


async def test_a_sentinel_that_is_down_is_passed_over_for_the_next_one(redis: RedisServer) -> None:
    async with redis_sentinel() as watched:
        free = redis.port
        redis.kill()
        url = f"redis+sentinel://127.0.0.1:{free},{watched.sentinel.address}/watched"
        store = redis_store(StateSettings(url=url, timeout=AMPLE))
        await store.start()
        await store.set("thali:a", b"1", 60)
        await store.close()


async def _is_primary(server: RedisServer) -> bool:
    try:
        told = await server.command("ROLE")
    except RedisError:  # a sentinel that makes it the primary closes all its connections
        return False
    return isinstance(told, list) and told[0] == b"master"


# Cluster.


async def test_a_cluster_serves_every_slot_each_node_its_own(cluster: Cluster) -> None:
    store = redis_store(StateSettings(url=cluster.url, timeout=AMPLE))
    await store.start()
    await asyncio.gather(*(store.set(key, key.encode(), 60) for key in KEYS))
    assert await asyncio.gather(*(store.get(key) for key in KEYS)) == [key.encode() for key in KEYS]
    assert await asyncio.gather(*(store.run(COUNT, f"n:{key}", [2]) for key in KEYS)) == [[2, b"told"]] * len(KEYS)
    assert store.figures.connections == 3
    assert all(isinstance(held, int) and held > 10 for held in [await node.command("DBSIZE") for node in cluster.nodes])
    await store.close()


async def test_a_slot_that_moved_is_followed_while_it_moves_and_after() -> None:
    async with redis_cluster() as cluster:
        store = redis_store(StateSettings(url=cluster.url, timeout=AMPLE))
        await store.start()
        await store.set("{12182}a", b"1", 60)
        slot = await cluster.nodes[0].command("CLUSTER", "KEYSLOT", "{12182}a")
        assert isinstance(slot, int)
        ids = [str(await node.command("CLUSTER", "MYID"), "ascii") for node in cluster.nodes]  # type: ignore[call-overload]
        here = min(slot // -(-16384 // 3), 2)
        there = (here + 1) % 3
        await cluster.nodes[there].command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[here])
        await cluster.nodes[here].command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[there])
        # Moving: a key that is not here (any more) is asked for over there.
        assert await store.add("{12182}new", b"2", 60)
        assert await store.get("{12182}new") == b"2"
        assert await store.get("{12182}a") == b"1"
        port = cluster.nodes[there].port
        await cluster.nodes[here].command("MIGRATE", "127.0.0.1", port, "{12182}a", 0, 1000)
        assert await store.get("{12182}a") == b"1"
        for node in (cluster.nodes[there], cluster.nodes[here]):
            await node.command("CLUSTER", "SETSLOT", slot, "NODE", ids[there])
        # Moved: told once, then known.
        assert await store.get("{12182}a") == b"1"

        async def known() -> bool:
            errors = store.figures.errors
            await store.get("{12182}a")
            return store.figures.errors == errors

        await until(known, "the map is not read again", 5)
        await store.close()


async def test_a_node_that_is_away_takes_only_its_own_keys_with_it() -> None:
    async with redis_cluster() as cluster:
        for node in cluster.nodes:
            await node.command("CONFIG", "SET", "cluster-require-full-coverage", "no")
        store = redis_store(StateSettings(url=cluster.url, timeout=0.1))
        await store.start()
        await asyncio.gather(*(store.set(key, b"1", 60) for key in KEYS))
        cluster.nodes[1].kill()
        found = await asyncio.gather(*(store.get(key) for key in KEYS), return_exceptions=True)
        found = await asyncio.gather(*(store.get(key) for key in KEYS), return_exceptions=True)
        failed = sum(isinstance(value, StateUnavailable) for value in found)
        assert failed + found.count(b"1") == len(KEYS)
        assert 5 < failed < 40
        assert store.figures.breaker != "closed"
        await store.close()


async def test_a_cluster_is_found_by_any_of_the_named_nodes(cluster: Cluster, redis: RedisServer) -> None:
    redis.kill()
    url = f"redis+cluster://127.0.0.1:{redis.port},{cluster.nodes[2].address}"
    store = redis_store(StateSettings(url=url, timeout=AMPLE))
    await store.start()
    await asyncio.gather(*(store.set(key, b"1", 60) for key in KEYS))
    await store.close()


async def test_a_cluster_that_is_down_is_no_fault_at_the_start_and_used_later(redis: RedisServer) -> None:
    redis.kill()
    store = redis_store(StateSettings(url=f"redis+cluster://{redis.address}"))
    await store.start()
    with pytest.raises(StateUnavailable):
        await store.get("thali:a")
    with pytest.raises(StateUnavailable):
        await store.run(Script("n", "return 1"), "thali:a", [])
    assert store.figures.breaker != "closed"
    await store.close()


# TLS.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "strange")


async def test_with_tls_and_a_user_it_is_used_as_without(redis: RedisServer, authority: Authority) -> None:
    await redis.command("ACL", "SETUSER", "gateway", "on", ">secret", "~thali:*", "+@all")
    async with tls_front(redis, authority.issue("127.0.0.1")) as address:
        settings = {"url": f"rediss://{address}/3", "ca": authority.path, "username": "gateway", "password": "secret"}
        store = redis_store(StateSettings.model_validate(settings | {"timeout": AMPLE}))
        await store.start()
        await asyncio.gather(*(store.set(f"thali:{number}", b"x" * number * 1000, 60) for number in range(50)))
        assert await store.get("thali:49") == b"x" * 49_000
        assert await redis.command("DBSIZE") == 0  # database 3 it was
        await store.close()


def test_with_tls_under_uvloop_answers_and_ends_are_seen(authority: Authority) -> None:
    async def use() -> None:
        async with redis_server() as server, tls_front(server, authority.issue("127.0.0.1")) as address:
            store = redis_store(StateSettings(url=f"rediss://{address}", ca=authority.path, timeout=AMPLE))
            await store.start()
            await asyncio.gather(*(store.set(f"thali:{number}", b"x" * number * 1000, 60) for number in range(50)))
            assert await store.get("thali:49") == b"x" * 49_000
            server.kill()

            async def seen() -> bool:
                return store.figures.opened == 1

            await until(seen, "the end of the connection is not seen")
            await server.start()
            await back(store)
            await store.close()

    uvloop.run(use())


@pytest.mark.parametrize("fault", ["authority", "name"])
async def test_a_certificate_of_another_authority_or_name_is_refused(
    redis: RedisServer, authority: Authority, stranger: Authority, fault: str
) -> None:
    certificate = stranger.issue("127.0.0.1") if fault == "authority" else authority.issue("localhost")
    async with tls_front(redis, certificate) as address:
        store = redis_store(StateSettings(url=f"rediss://{address}", ca=authority.path, timeout=AMPLE))
        with pytest.raises(Refusal, match=r"is not trusted; see state\.ca"):
            await store.start()
    assert (await redis.calls()).get("set") is None


async def test_the_systems_authorities_do_not_count_where_one_is_given(
    redis: RedisServer, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger.path))
    async with tls_front(redis, stranger.issue("127.0.0.1")) as address:
        trusting = redis_store(StateSettings(url=f"rediss://{address}", timeout=AMPLE))
        await trusting.start()
        await trusting.set("thali:a", b"1", 60)
        await trusting.close()
        with pytest.raises(Refusal, match="is not trusted"):
            await redis_store(StateSettings(url=f"rediss://{address}", ca=authority.path, timeout=AMPLE)).start()


async def test_a_hung_redis_behind_tls_costs_its_budget_too(redis: RedisServer, authority: Authority) -> None:
    async with tls_front(redis, authority.issue("127.0.0.1")) as address:
        store = redis_store(StateSettings(url=f"rediss://{address}", ca=authority.path))
        await store.start()
        await back(store)
        redis.stop()
        async with asyncio.timeout(1):
            with pytest.raises(StateUnavailable, match="no answer in time"):
                await store.get("thali:a")
        redis.cont()
        await back(store)
        await store.close()


def test_an_authority_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for path in (tmp_path / "ca.pem", tmp_path / "none.pem"):
        with pytest.raises(Refusal, match=r"state\.ca"):
            redis_store(StateSettings(url="rediss://localhost", ca=path))
