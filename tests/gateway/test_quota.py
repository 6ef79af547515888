"""Whose requests are counted together, what is let in, and what a client is told."""

import re
from collections.abc import AsyncIterator

import pytest

from bff.caller import GUEST, Caller
from bff.faces.problems import Problem
from bff.gateway.quota import Quota
from bff.limit_settings import By, RateLimitSettings
from bff.state.limiter import Limiter
from bff.state.limits_policy import Counting
from bff.testing import ManualClock
from tests.gateway.quota_kit import ADA, GRAPHQL, HOME, LOGIN, ORDER, PLACES, Place, asked, field_of, pass_, problem_of
from tests.redis_server import RedisServer, redis_server
from tests.state.limiter_kit import Instances, instances

PER_USER = RateLimitSettings(by=["caller"], limit=100)
ORDERS = RateLimitSettings(by=["caller"], to=["shop/placeOrder"], limit=10)
ADDRESSES = RateLimitSettings(by=["address"], limit=5)

# RFC 9651: a list of strings with whole-number parameters, in its one canonical form.
POLICIES = re.compile(r'"[ !#-\[\]-~]+";q=\d{1,15}(;w=\d{1,15})?(, "[ !#-\[\]-~]+";q=\d{1,15}(;w=\d{1,15})?)*')
LIMITS = re.compile(r'"[ !#-\[\]-~]+";r=\d{1,15};t=\d{1,15}(, "[ !#-\[\]-~]+";r=\d{1,15};t=\d{1,15})*')


def quota(clock: ManualClock | None = None, limiter: Limiter | None = None, **limits: RateLimitSettings) -> Quota:
    return Quota(limiter, limits, PLACES, clock=clock or ManualClock())


async def let_in(quota: Quota, times: int, place: Place = HOME, caller: Caller = ADA, address: str = "192.0.2.7") -> int:
    passed = 0
    for _ in range(times):
        problem = await problem_of(quota, asked(place, caller, address))
        assert problem is None or problem.kind == "quota-exceeded"
        passed += problem is None
    return passed


async def test_without_policies_nothing_is_counted_and_nothing_told() -> None:
    request = await pass_(ours := Quota(), asked())
    ours.tell(request)
    assert request.headers == []


async def test_a_hundred_a_minute_for_each_user() -> None:
    clock = ManualClock()
    ours = quota(clock, users=PER_USER)
    assert await let_in(ours, 150) == 100
    assert await let_in(ours, 150, caller=Caller(id="bob")) == 100
    assert await let_in(ours, 150, caller=Caller(id="ada", tenant="other")) == 100
    await clock.advance(60)
    assert await let_in(ours, 150) == 100


async def test_the_eleventh_order_in_any_minute_is_refused_and_screens_go_on() -> None:
    clock = ManualClock()
    ours = quota(clock, users=PER_USER, orders=ORDERS)
    assert await let_in(ours, 5, ORDER) == 5
    await clock.advance(50)
    assert await let_in(ours, 6, ORDER) == 5
    assert await let_in(ours, 5, HOME) == 5
    await clock.advance(9.9)
    assert await let_in(ours, 1, ORDER) == 0
    await clock.advance(0.2)
    assert await let_in(ours, 6, ORDER) == 5


async def test_guests_are_counted_by_their_addresses() -> None:
    ours = quota(users=RateLimitSettings(by=["caller"], limit=3))
    assert await let_in(ours, 5, caller=GUEST) == 3
    assert await let_in(ours, 5, caller=GUEST, address="192.0.2.8") == 3
    assert await let_in(ours, 5, caller=Caller(id="192.0.2.7")) == 3


@pytest.mark.parametrize(
    ("by", "one", "other"),
    [
        ("caller", Caller(id="ada"), Caller(id="bob")),
        ("key", Caller(id="p", key="k1"), Caller(id="p", key="k2")),
        ("tenant", Caller(id="ada", tenant="t1"), Caller(id="ada", tenant="t2")),
    ],
)
async def test_each_has_a_share_of_its_own(by: By, one: Caller, other: Caller) -> None:
    ours = quota(p=RateLimitSettings(by=[by], limit=2))
    assert [await let_in(ours, 3, caller=caller) for caller in (one, other)] == [2, 2]


async def test_what_a_request_does_not_have_is_counted_by_address() -> None:
    ours = quota(p=RateLimitSettings(by=["key", "tenant"], limit=2))
    assert await let_in(ours, 3) == 2
    assert await let_in(ours, 3, caller=Caller(id="bob")) == 0
    assert await let_in(ours, 3, address="192.0.2.8") == 2


async def test_an_app_and_everyone_have_one_share() -> None:
    other = Place("web/home")
    ours = Quota(None, {"app": RateLimitSettings(by=["app"], limit=3)}, [*PLACES, other], clock=ManualClock())
    assert [await let_in(ours, 2, caller=Caller(id=who)) for who in "abc"] == [2, 1, 0]
    assert await let_in(ours, 2, other) == 2
    ours = quota(all=RateLimitSettings(by=["everyone"], limit=3))
    assert [await let_in(ours, 2, caller=Caller(id=who), address=who) for who in "abc"] == [2, 1, 0]


async def test_one_caller_over_its_limit_uses_up_nothing_of_everyones() -> None:
    ours = quota(all=RateLimitSettings(by=["everyone"], limit=20), users=RateLimitSettings(limit=5))
    assert await let_in(ours, 100) == 5
    assert await let_in(ours, 100, caller=Caller(id="bob")) == 5


# The door.


async def test_at_the_door_guesses_are_refused_before_anything_is_verified() -> None:
    ours = quota(addresses=ADDRESSES, users=PER_USER)
    for _ in range(5):
        ours.at_door(asked(caller=GUEST))
    request = asked(caller=GUEST)
    with pytest.raises(Problem) as refused:
        ours.at_door(request)
    assert refused.value.kind == "quota-exceeded"
    assert request.refused == "quota addresses"
    ours.at_door(asked(caller=GUEST, address="192.0.2.8"))


async def test_at_the_door_only_what_is_by_address_alone_is_counted() -> None:
    ours = quota(users=RateLimitSettings(limit=1), both=RateLimitSettings(by=["address", "caller"], limit=1))
    for _ in range(5):
        ours.at_door(asked())


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("2001:db8:1:2:3::4", "2001:0DB8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:3::4"),
        ("::ffff:192.0.2.7", "192.0.2.7", "::ffff:192.0.2.8"),
        ("192.0.2.7", "::FFFF:c000:207", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::2", "fe81::1"),
    ],
)
async def test_an_address_in_any_spelling_and_any_of_a_network_is_one(one: str, same: str, other: str) -> None:
    """S152: who has an IPv6 /64 has 2**64 addresses."""
    ours = quota(addresses=RateLimitSettings(by=["address"], limit=1))
    assert [await let_in(ours, 1, address=address) for address in (one, same, other)] == [1, 0, 1]


# What a client is told.


async def test_every_answer_of_a_limited_endpoint_tells_the_policies_and_what_is_left() -> None:
    clock = ManualClock()
    ours = quota(clock, addresses=ADDRESSES, users=PER_USER, orders=ORDERS)
    request = await pass_(ours, asked(ORDER))
    assert field_of(request, b"ratelimit-policy") == '"addresses";q=5;w=60, "users";q=100;w=60, "orders";q=10;w=60'
    assert field_of(request, b"ratelimit") == '"addresses";r=4;t=60, "users";r=99;t=60, "orders";r=9;t=60'
    await clock.advance(12.5)
    request = await pass_(ours, asked())
    assert field_of(request, b"ratelimit") == '"addresses";r=3;t=48, "users";r=98;t=48'
    request = asked()
    ours.at_door(request)  # and then its token is refused
    assert field_of(request, b"ratelimit") == '"addresses";r=2;t=48'


@pytest.mark.parametrize("algorithm", ["sliding", "bucket", "fixed"])
@pytest.mark.parametrize("window", [0.5, 1.0, 7.3, 60.0])
async def test_every_refusal_has_fields_that_parse_and_who_waits_as_told_is_let_in(algorithm: Counting, window: float) -> None:
    """S153."""
    clock = ManualClock()
    settings = RateLimitSettings(limit=3, window=window, algorithm=algorithm)
    ours = quota(clock, users=settings, addresses=RateLimitSettings(by=["address"], limit=1_000))
    for _ in range(20):
        await clock.advance(0.01)
        request = asked()
        problem = await problem_of(ours, request)
        if problem is not None:
            answer = problem.answer("r")
            assert (answer.status, problem.members) == (429, {"violated-policies": ["users"]})
            ((name, value),) = answer.headers
            assert name == b"retry-after"
            wait = int(value)
            assert wait >= 1
            told = dict(re.findall(r'"(\w+)";r=\d+;t=(\d+)', field_of(request, b"ratelimit")))
            assert wait >= int(told["users"])
            await clock.advance(wait)
            await pass_(ours, asked())
        assert POLICIES.fullmatch(field_of(request, b"ratelimit-policy"))
        assert LIMITS.fullmatch(field_of(request, b"ratelimit"))
    assert ours.decisions["users", "refused"] > 0


async def test_decisions_are_counted_by_policy() -> None:
    ours = quota(users=RateLimitSettings(limit=2), addresses=RateLimitSettings(by=["address"], limit=4))
    await let_in(ours, 5)
    assert {key: count for key, count in ours.decisions.items() if count} == {
        ("users", "allowed"): 2,
        ("users", "refused"): 2,
        ("addresses", "allowed"): 4,
        ("addresses", "refused"): 1,
    }


# GraphQL: what an operation asks for.


async def test_an_operation_is_charged_for_what_it_asks_for_alias_by_alias() -> None:
    """S144: one document with fifteen aliases of an action is fifteen orders."""
    ours = quota(users=PER_USER, orders=ORDERS)
    await pass_(ours, request := asked(GRAPHQL))
    assert request.verdicts == []  # not before it is known what it asks for
    await ours.charge(request, {"shop/home": 2, "shop/placeOrder": 3})
    assert field_of(request, b"ratelimit") == '"users";r=95;t=60, "orders";r=7;t=60'
    with pytest.raises(Problem):
        await ours.charge(asked(GRAPHQL), {"shop/placeOrder": 8})
    await ours.charge(asked(GRAPHQL), {"shop/placeOrder": 7})
    with pytest.raises(Problem):
        await ours.charge(asked(GRAPHQL), {"shop/placeOrder": 1})
    await ours.charge(asked(GRAPHQL), {"shop/home": 1})


async def test_a_policy_about_screens_and_the_graphql_endpoint_counts_what_is_asked_for_alone() -> None:
    ours = quota(users=PER_USER)
    for targets, left in (({"shop/home": 1}, 99), ({"shop/placeOrder": 3}, 96), ({}, 95)):
        await ours.charge(request := asked(GRAPHQL), {**targets, "shop/graphql": 1})
        assert field_of(request, b"ratelimit") == f'"users";r={left};t=60'


async def test_a_policy_about_the_graphql_endpoint_itself_counts_operations() -> None:
    ours = quota(operations=RateLimitSettings(to=["shop/graphql"], limit=3))
    for _ in range(3):
        await ours.charge(asked(GRAPHQL), {"shop/home": 10})
    with pytest.raises(Problem):
        await ours.charge(asked(GRAPHQL), {})


async def test_by_address_an_operation_costs_what_the_door_has_not_charged_yet() -> None:
    ours = quota(addresses=RateLimitSettings(by=["address"], limit=10))
    ours.at_door(request := asked(GRAPHQL))
    await ours.charge(request, {"shop/home": 4})
    assert field_of(request, b"ratelimit") == '"addresses";r=6;t=60'
    with pytest.raises(Problem):
        await ours.charge(asked(GRAPHQL), {"shop/home": 9})


# Counts that instances share.


@pytest.fixture
async def server() -> AsyncIterator[RedisServer]:
    async with redis_server() as served:
        yield served


@pytest.fixture
async def three(server: RedisServer) -> AsyncIterator[Instances]:
    async with instances(server) as made:
        await made.meet()
        yield made


async def test_shared_counts_of_addresses_are_charged_once_and_told(three: Instances) -> None:
    shared = [
        quota(three.clock, limiter, addresses=RateLimitSettings(by=["address"], limit=30), users=PER_USER)
        for limiter in three.all
    ]
    passed = 0
    for _ in range(20):
        for ours in shared:
            passed += await let_in(ours, 1)
    assert passed == 30
    request = await pass_(shared[0], asked(address="192.0.2.99"))
    assert field_of(request, b"ratelimit-policy") == '"addresses";q=30;w=60, "users";q=100;w=60'
    assert field_of(request, b"ratelimit").startswith('"addresses";r=29;t=60, "users";r=')


async def test_a_hundred_a_minute_for_each_user_on_three_instances(three: Instances) -> None:
    shared = [quota(three.clock, limiter, users=PER_USER, orders=ORDERS) for limiter in three.all]
    assert sum([await let_in(ours, 1, ORDER) for ours in shared * 4]) == 10
    assert sum([await let_in(ours, 1) for ours in shared * 40]) == 90 - 2  # two orders were refused by the other policy
    assert sum([await let_in(ours, 1, caller=Caller(id="bob")) for ours in shared * 40]) == 100


async def test_without_redis_decisions_say_so_and_nothing_is_an_error(three: Instances) -> None:
    strict = RateLimitSettings(by=["address", "caller"], to=["routes/login"], limit=9, strict=True)
    ours = quota(three.clock, three.all[0], users=PER_USER, logins=strict)
    three.scripts.down = True
    assert await let_in(ours, 50) == 33
    assert await let_in(ours, 50, LOGIN, GUEST) == 3
    assert ours.decisions["users", "degraded"] == 33 + 33
    assert ours.decisions["logins", "degraded"] == 3
