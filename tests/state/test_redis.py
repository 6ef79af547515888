"""The home in Redis: its budget, its pipeline, and what is left when Redis hangs, dies, forgets or is too old."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from bff.errors import Refusal
from bff.state.redis import RedisStore, redis_store
from bff.state.redis_link import MOST
from bff.state.store import Script, StateUnavailable
from bff.state_settings import StateSettings
from tests.faults.proxy import FaultProxy, Toxics
from tests.redis_server import RedisServer, redis_server, until
from tests.state.conftest import AMPLE

COUNT = Script("count", "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'told'}")


@asynccontextmanager
async def home_at(url: str, budget: float = AMPLE) -> AsyncIterator[RedisStore]:
    store = redis_store(StateSettings(url=url, timeout=budget))
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def back(store: RedisStore, seconds: float = 2.0) -> None:
    """Until it answers again; F31 gives it two seconds."""

    async def answers() -> bool:
        try:
            await store.set("thali:back", b"1", 1)
        except StateUnavailable:
            return False
        return True

    await until(answers, "it is not used again", seconds)


# One pipeline.


@asynccontextmanager
async def counting(server: RedisServer) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A relay to the server, and what each read from its client gave."""
    reads: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            while data := await reader.read(1 << 20):
                reads.append(data)
                back_writer.write(data)
                wanted = data.count(b"*")  # the tests' commands have no other asterisk, and no answer more than a line or two
                answer = b""
                while answer.count(b"\r\n") < wanted or answer.count(b"$") * 2 > answer.count(b"\r\n"):
                    answer += await back_reader.read(1 << 20)
                writer.write(answer)
        finally:
            back_writer.transport.abort()
            writer.transport.abort()

    listener = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}", reads
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


async def test_the_commands_of_one_turn_are_one_write(redis: RedisServer) -> None:
    async with counting(redis) as (url, reads), home_at(url) as store:
        await store.set("thali:warm", b"1", 60)
        reads.clear()
        await asyncio.gather(*(store.set(f"thali:{number}", b"1", 60) for number in range(50)))
        assert [data.count(b"SET") for data in reads] == [50]


async def test_commands_do_not_wait_for_the_answers_of_earlier_ones(redis: RedisServer) -> None:
    async with FaultProxy("127.0.0.1", redis.port) as proxy, home_at(f"redis://{proxy.address}") as store:
        await store.set("thali:a", b"1", 60)
        await redis.command("CONFIG", "RESETSTAT")
        proxy.down = Toxics(latency=0.2)
        first = asyncio.create_task(store.get("thali:a"))
        await until(lambda: _got(redis, 1), "the first was not sent")
        second = asyncio.create_task(store.get("thali:a"))
        await until(lambda: _got(redis, 2), "the second waits for the first")
        assert not first.done()
        assert (await first, await second) == (b"1", b"1")


async def _got(redis: RedisServer, times: int) -> bool:
    return (await redis.calls()).get("get") == times


# A command that nobody waits for any more.


async def test_f32_ten_thousand_cancelled_commands_cross_no_reply(redis: RedisServer) -> None:
    chance = random.Random(32)
    async with FaultProxy("127.0.0.1", redis.port, seed=32) as proxy, home_at(f"redis://{proxy.address}") as store:
        await asyncio.gather(*(store.set(f"thali:{number}", str(number).encode(), 600) for number in range(500)))
        proxy.down = Toxics(latency=0.002, jitter=0.002, slice=700)
        wrong: list[tuple[int, bytes | None]] = []
        kept = cut = 0

        async def one(number: int) -> None:
            nonlocal kept, cut
            asked = asyncio.ensure_future(store.get(f"thali:{number}"))
            if chance.random() < 0.5:
                timer = asyncio.get_running_loop().call_later(chance.uniform(0, 0.006), asked.cancel)
            else:
                timer = None
            try:
                value = await asked
            except asyncio.CancelledError:
                cut += 1
                return
            finally:
                if timer is not None:
                    timer.cancel()
            kept += 1
            if value != str(number).encode():
                wrong.append((number, value))

        async def some() -> None:
            for _ in range(200):
                await one(chance.randrange(500))

        while cut < 10_000:
            await asyncio.gather(*(some() for _ in range(50)))
        assert wrong == []
        assert kept > 1_000
        assert store.figures.cancelled > 1_000  # replies that came when nobody waited any more
        assert (store.figures.failures, store.figures.connections) == (0, 1)


async def test_a_cancelled_command_harms_none_of_its_turn(redis_home: RedisStore) -> None:
    await asyncio.gather(*(redis_home.set(f"thali:{number}", str(number).encode(), 60) for number in range(10)))
    asked = [asyncio.ensure_future(redis_home.get(f"thali:{number}")) for number in range(10)]
    await asyncio.sleep(0)
    for gone in asked[::2]:
        gone.cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert found[1::2] == [str(number).encode() for number in range(1, 10, 2)]
    assert all(isinstance(value, asyncio.CancelledError) for value in found[::2])


async def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    async with (
        speaking(lambda words: b"$1\r\n1\r\n$1\r\n2\r\n" if words[0] == b"GET" else b"+OK\r\n") as url,
        home_at(url) as store,
    ):
        assert await store.get("thali:a") == b"1"
        await back(store)
        assert await store.get("thali:b") == b"1"  # not the 2 that was left over
        assert store.figures.opened == 2


# Redis hangs, dies, comes back.


async def test_a_hung_redis_costs_a_command_its_budget_and_the_next_ones_nothing(
    redis: RedisServer, prompt_home: RedisStore
) -> None:
    await prompt_home.set("thali:a", b"1", 60)
    redis.stop()
    began = time.monotonic()
    with pytest.raises(StateUnavailable, match="no answer in time"):
        await prompt_home.get("thali:a")
    assert 0.025 < time.monotonic() - began < 0.2
    assert prompt_home.figures.states == {redis.address: "open"}
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(StateUnavailable):
            await prompt_home.get("thali:a")
    assert time.monotonic() - began < 0.5
    redis.cont()
    await back(prompt_home)
    assert await prompt_home.get("thali:a") == b"1"
    assert prompt_home.figures.states == {redis.address: "closed"}
    assert prompt_home.figures.breaker == "closed"


async def test_a_command_that_was_not_answered_is_not_sent_again(redis: RedisServer, prompt_home: RedisStore) -> None:
    await prompt_home.run(COUNT, "thali:n", [0])
    redis.stop()
    asked = [prompt_home.run(COUNT, "thali:n", [1]) for _ in range(10)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(error, StateUnavailable) for error in found)
    redis.cont()
    await back(prompt_home)
    told = await redis.command("GET", "thali:n")
    assert isinstance(told, bytes)
    assert int(told) <= 10  # those that it had received may be done once it goes on


async def test_f30_hung_under_load_few_wait_and_none_long(redis: RedisServer, prompt_home: RedisStore) -> None:
    await prompt_home.set("thali:a", b"1", 60)
    took: list[float] = []
    late = 0.0  # our own loop or the machine, at worst: no wait for Redis

    async def one() -> None:
        began = time.monotonic()
        with pytest.raises(StateUnavailable):
            await prompt_home.get("thali:a")
        took.append(time.monotonic() - began)

    redis.stop()
    async with asyncio.TaskGroup() as asking:  # 200 a second for 3 s, on the beat whatever the answers do
        began = time.monotonic()
        for number in range(600):
            await asyncio.sleep(began + number / 200 - time.monotonic())
            late = max(late, time.monotonic() - (began + number / 200))
            asking.create_task(one())
    assert max(took) < 0.06 + late
    assert sum(1 for seconds in took if seconds > 0.01) <= 20
    redis.cont()
    await back(prompt_home)


async def test_f29_killed_commands_fail_at_once_and_restarted_they_are_served(
    redis: RedisServer, redis_home: RedisStore
) -> None:
    await redis_home.set("thali:a", b"1", 60)
    redis.kill()
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(StateUnavailable):
            await redis_home.get("thali:a")
    assert time.monotonic() - began < 0.5
    await redis.restart()
    await back(redis_home)
    assert await redis_home.get("thali:a") is None


async def test_all_that_wait_when_the_connection_breaks_are_told_at_once(redis: RedisServer) -> None:
    async with home_at(redis.url) as store:
        redis.stop()
        asked = [asyncio.ensure_future(store.get("thali:a")) for _ in range(20)]
        await asyncio.sleep(0)
        redis.kill()
        async with asyncio.timeout(1):
            found = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(error, StateUnavailable) for error in found)


async def test_no_more_than_so_many_commands_wait(redis: RedisServer) -> None:
    async with home_at(redis.url, budget=0.5) as store:
        await store.get("thali:a")
        redis.stop()
        asked = [asyncio.ensure_future(store.get("thali:a")) for _ in range(MOST)]
        await asyncio.sleep(0)
        began = time.monotonic()
        with pytest.raises(StateUnavailable, match="wait already"):
            await store.get("thali:a")
        assert time.monotonic() - began < 0.1
        assert all(isinstance(error, StateUnavailable) for error in await asyncio.gather(*asked, return_exceptions=True))


async def test_it_starts_while_redis_is_down_and_uses_it_when_it_is_up() -> None:
    async with redis_server() as server:
        server.kill()
        async with home_at(server.url, budget=0.03) as store:
            with pytest.raises(StateUnavailable):
                await store.get("thali:a")
            await server.start()
            await back(store)


async def test_without_start_the_first_command_makes_the_connection(redis: RedisServer) -> None:
    store = redis_store(StateSettings(url=redis.url, timeout=AMPLE))
    assert await asyncio.gather(*(store.get("thali:a") for _ in range(10))) == [None] * 10
    assert store.figures.connections == 1
    await store.close()
    with pytest.raises(StateUnavailable, match="closed"):
        await store.get("thali:a")


@pytest.mark.parametrize("turns", [1, 3], ids=["before it is sent", "after it was sent"])
def test_a_blocked_loop_is_not_taken_for_a_hung_redis(turns: int) -> None:
    async def block() -> None:
        async with redis_server() as server, home_at(server.url, budget=0.1) as store:
            await store.set("thali:a", b"1", 60)
            asked = asyncio.ensure_future(store.get("thali:a"))
            for _ in range(turns):
                await asyncio.sleep(0)
            time.sleep(0.2)  # noqa: ASYNC251  # that is the fault
            assert await asked == b"1"
            assert store.figures.connections == 1

    uvloop.run(block())


async def test_an_idle_connection_is_looked_after_so_that_no_request_finds_it_gone(redis: RedisServer) -> None:
    store = redis_store(StateSettings(url=redis.url, timeout=0.2), idle=0.05)
    await store.start()
    await store.set("thali:a", b"1", 60)
    redis.stop()

    async def open_() -> bool:
        return store.figures.breaker == "open"

    await until(open_, "nobody noticed", 2)
    redis.cont()
    await store.close()


# Redis forgets.


async def test_f31_scripts_are_sent_again_when_redis_has_forgotten_them(redis: RedisServer, redis_home: RedisStore) -> None:
    assert await redis_home.run(COUNT, "thali:n", [2]) == [2, b"told"]
    assert await redis_home.run(COUNT, "thali:n", [2]) == [4, b"told"]
    assert redis_home.figures.scripts_loaded == 1
    await redis.command("SCRIPT", "FLUSH")
    assert await redis_home.run(COUNT, "thali:n", [3]) == [7, b"told"]
    await redis.command("FLUSHALL")
    assert await redis_home.run(COUNT, "thali:n", [1]) == [1, b"told"]
    assert redis_home.figures.scripts_loaded == 2


async def test_a_hundred_runs_at_once_of_an_unknown_script_all_count(redis_home: RedisStore) -> None:
    found = await asyncio.gather(*(redis_home.run(COUNT, "thali:n", [1]) for _ in range(100)))
    assert sorted(told[0] for told in found if isinstance(told[0], int)) == list(range(1, 101))


async def test_what_redis_refuses_is_told_and_the_connection_stays(redis: RedisServer, redis_home: RedisStore) -> None:
    await redis.command("LPUSH", "thali:list", "x")
    with pytest.raises(StateUnavailable, match="WRONGTYPE"):
        await redis_home.get("thali:list")
    with pytest.raises(StateUnavailable, match=r"refuses bad: .*Unknown Redis command"):
        await redis_home.run(Script("bad", "return redis.call('NOSUCH')"), "thali:a", [])
    assert redis_home.figures.connections == 1


async def test_a_value_lives_for_its_time(redis: RedisServer, redis_home: RedisStore) -> None:
    await redis_home.set("thali:a", b"1", 1.5)
    await redis_home.add("thali:b", b"1", 0.00001)
    left = await redis.command("PTTL", "thali:a")
    assert isinstance(left, int)
    assert 1000 < left <= 1500


# Who may, and with what.


async def test_an_acl_user_needs_its_password_and_no_more_than_its_keys() -> None:
    rules = "gateway on >secret ~thali:* +get +set +del +evalsha +eval +ping"
    async with redis_server(password="admin", users=[rules]) as server:
        given = {"url": server.url, "username": "gateway"}
        with pytest.raises(Refusal, match=r"state\.username and state\.password"):
            await redis_store(StateSettings.model_validate(given | {"password": "guess"})).start()
        with pytest.raises(Refusal, match="Authentication required"):
            await redis_store(StateSettings(url=server.url)).start()
        store = redis_store(StateSettings.model_validate(given | {"password": "secret", "timeout": AMPLE}))
        await store.start()
        assert await store.add("thali:a", b"1", 60)
        assert await store.swap("thali:a", b"1", b"2", 60)
        with pytest.raises(StateUnavailable, match=r"(?i)no permissions"):
            await store.get("other:a")
        await store.close()


@asynccontextmanager
async def speaking(answer: Callable[[list[bytes]], bytes]) -> AsyncIterator[str]:
    """A server that answers as told, with INFO of a plain Redis 6.2 unless `answer` gives one."""
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        while line := await reader.readline():
            words: list[bytes] = []
            for _ in range(int(line[1:])):
                size = int((await reader.readline())[1:])
                words.append((await reader.readexactly(size + 2))[:-2])
            told = answer(words)
            if words[0] == b"INFO" and not told.startswith(b"$"):
                told = info("6.2.14")
            writer.write(told)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        await listener.wait_closed()
        await asyncio.sleep(0)


def info(version: str, mode: str = "standalone", role: str = "master") -> bytes:
    text = f"# Server\r\nredis_version:{version}\r\nredis_mode:{mode}\r\nrole:{role}\r\n".encode()
    return b"$%d\r\n%s\r\n" % (len(text), text)


@pytest.mark.parametrize("version", ["5.0.14", "6.0.20"])
async def test_a_redis_that_is_too_old_is_refused_at_the_start(version: str) -> None:
    async with speaking(lambda words: info(version)) as url:
        with pytest.raises(Refusal, match=rf"is Redis {version}; state\.url needs 6\.2 or later"):
            await redis_store(StateSettings(url=url, timeout=AMPLE)).start()


@pytest.mark.parametrize("version", ["6.2.0", "7.4.1", "10.0.0", "255.255.255"])
async def test_a_redis_that_is_new_enough_is_taken(version: str) -> None:
    async with speaking(lambda words: info(version)) as url:
        store = redis_store(StateSettings(url=url, timeout=AMPLE))
        await store.start()
        await store.close()


async def test_a_node_of_a_cluster_is_refused_as_a_server_of_its_own() -> None:
    async with speaking(lambda words: info("7.2.0", mode="cluster")) as url:
        with pytest.raises(Refusal, match=r"write redis\+cluster://"):
            await redis_store(StateSettings(url=url, timeout=AMPLE)).start()
    async with speaking(lambda words: info("7.2.0")) as url:
        with pytest.raises(Refusal, match="write redis://"):
            await redis_store(StateSettings(url=url.replace("redis:", "redis+cluster:"), timeout=AMPLE)).start()


async def test_an_answer_that_is_no_protocol_ends_the_connection() -> None:
    def answer(words: list[bytes]) -> bytes:
        return b"HTTP/1.1 400 Bad Request\r\n\r\n" if words[0] == b"GET" else b"+OK\r\n"

    async with speaking(answer) as url, home_at(url) as store:
        with pytest.raises(StateUnavailable, match="no Redis protocol"):
            await store.get("thali:a")


async def test_a_server_that_says_more_than_it_was_asked_is_not_used() -> None:
    async with speaking(lambda words: info("7.2.0") * (2 if words[1] == b"replication" else 1)) as url:
        store = redis_store(StateSettings(url=url, timeout=0.2))
        await store.start()
        with pytest.raises(StateUnavailable):
            await store.get("thali:a")
        assert store.figures.connections == 0
        await store.close()
