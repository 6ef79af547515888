"""The scripts on a real Redis, against the same way of counting in this process: the same words for the same requests."""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from bff.state import limits_bucket, limits_fixed, limits_sliding
from bff.state.limits_bucket import Bucket
from bff.state.limits_fixed import FixedWindow
from bff.state.limits_lua import TAKEN
from bff.state.limits_policy import Algorithm, Policy
from bff.state.limits_sliding import FINE, SlidingWindow
from tests.redis_server import RedisServer, redis_server
from tests.state.test_limiter_algorithms import Now

# The script with the test's clock in the place of Redis's: its last argument.
TOLD = "local now = tonumber(ARGV[#ARGV])"


def timed(body: str) -> str:
    """With keys that outlive a machine on which the test's time runs faster than its own."""
    assert "/ 1000)" in body
    return TOLD + TAKEN + body.replace("/ 1000)", "* 1000)")


START = 1_780_000_000.0

SHAPES = [
    Policy("p", 1, 1.0),
    Policy("p", 5, 1.0),
    Policy("p", FINE + 50, 62.5),
    Policy("p", 5, 1.0, "bucket"),
    Policy("p", 60, 8.0, "bucket", burst=3),
    Policy("p", 5, 1.0, "fixed"),
]
shapes = pytest.mark.parametrize("policy", SHAPES, ids=lambda policy: f"{policy.algorithm}-{policy.limit}")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with asyncio.Runner() as runner:
        served = redis_server()
        yield runner.run(served.__aenter__())
        runner.run(served.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis(port=server.port) as connected:
        yield connected


def algorithm(policy: Policy, now: Now) -> tuple[Algorithm, str]:
    match policy.algorithm:
        case "sliding":
            return SlidingWindow(policy, now), limits_sliding.BODY
        case "bucket":
            return Bucket(policy, now), limits_bucket.BODY
        case _:
            return FixedWindow(policy, now), limits_fixed.BODY


names = partial(next, count())


@shapes
@settings(max_examples=60, deadline=None)
@given(asked=st.lists(st.tuples(st.integers(0, 100), st.one_of(st.integers(1, 6), st.integers(1, 90))), max_size=50))
def test_redis_says_what_this_process_says(client: redis.Redis, policy: Policy, asked: list[tuple[int, int]]) -> None:
    now = Now(START)
    ours, body = algorithm(policy, now)
    script, key = client.register_script(timed(body)), f"key {names()}"
    at = 0
    for gap, cost in asked:
        at += gap
        now.at = START + at / 64  # exact in binary, and in microseconds
        told = script(keys=[key], args=[*ours.arguments(cost, cost), round(now.at * 1_000_000)])
        verdict = ours.take(key, cost)
        granted, remaining, reset, wait = told
        assert (granted, remaining) == (cost * verdict.allowed, verdict.remaining)
        assert reset / 1e6 == pytest.approx(verdict.reset, abs=3e-6)
        assert wait / 1e6 == pytest.approx(verdict.retry_after, abs=3e-6)


@shapes
def test_as_much_as_there_is_room_for_is_granted_up_to_most(client: redis.Redis, policy: Policy) -> None:
    ours, body = algorithm(policy, Now())
    script, key, room = client.register_script(timed(body)), f"key {names()}", policy.burst or policy.limit
    granted = []
    while (told := script(keys=[key], args=[*ours.arguments(1, 4), 60_000_000_000]))[0]:
        granted.append(told[0])
    assert sum(granted) == room
    assert all(part == 4 for part in granted[:-1])


@shapes
def test_a_key_leaves_redis_when_it_tells_nothing_any_more(client: redis.Redis, policy: Policy) -> None:
    ours, _ = algorithm(policy, Now())
    key = f"key {names()}"
    granted, *_ = client.register_script(ours.script.text)(keys=[key], args=ours.arguments(1, 1))
    assert granted == 1
    assert 0 < client.pttl(key) <= 62_502


def test_a_clock_that_goes_back_lets_in_no_more(client: redis.Redis) -> None:
    """After a failover Redis's time may be that of a machine whose clock is behind."""
    ours, body = algorithm(Policy("p", 5, 60.0), Now())
    script, key = client.register_script(timed(body)), f"key {names()}"
    told = [script(keys=[key], args=[*ours.arguments(1, 1), 1e12 - step * 1e6])[0] for step in range(10)]
    assert told == [1] * 5 + [0] * 5


def test_a_log_of_thousands_is_a_short_list(client: redis.Redis) -> None:
    ours, body = algorithm(Policy("p", 10_000, 60.0), Now())
    script, key = client.register_script(timed(body)), f"key {names()}"
    for step in range(2_000):
        script(keys=[key], args=[*ours.arguments(5, 5), f"{10**12 + step * 30_000}"])
    assert client.llen(key) <= FINE + 2
    assert client.memory_usage(key) < 12_000  # type: ignore[operator] # the same
