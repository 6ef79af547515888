"""The limiter of the running product: whom it counts as one, what it says, and what goes round it (S067, S115, S152, S153)."""

import asyncio
import itertools
import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.security.kit import CANARY, Door
from tests.security.structured import items

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCOUNT, ADDRESS, CALLER = 5, 20, 10  # a minute
POLICIES = {
    "account": {"by": ["account"], "to": ["routes/login"], "limit": ACCOUNT, "strict": True},
    "door": {"by": ["address"], "to": ["mobile/search", "web/search"], "limit": ADDRESS},
    "history": {"by": ["caller"], "to": ["*/orderHistory", "*/account"], "limit": CALLER},
    "all": {"by": ["everyone"], "to": ["*"], "limit": 1_000_000},
}
# The tests' own machine stands for the balancer, so that X-Forwarded-For tells the address.
SETTINGS = {
    "BFF_SERVER__TRUSTED_PROXIES": '["127.0.0.1/32"]',
    "BFF_SERVER__HOSTS": '["127.0.0.1", "localhost", "shop.example"]',
    "BFF_ROUTES__LOGIN__ACCOUNT": "email",
}
_ADDRESSES = itertools.count()


def addresses() -> Iterator[str]:
    """Ones that no test has used yet."""
    for number in _ADDRESSES:
        yield f"198.{18 + number // 65536 % 2}.{number // 256 % 256}.{number % 256}"


async def login(door: Door, email: str, address: str, **members: str) -> httpx.Response:
    body = json.dumps({"email": email, "password": f"wrong {CANARY}", **members}, ensure_ascii=False)
    headers = {"content-type": "application/json", "x-forwarded-for": address}
    return await door.ask("POST", "/api/v1/login", headers=headers, content=body)


async def statuses(*answers: httpx.Response) -> list[int]:
    return [answer.status_code for answer in answers]


async def test_s115_a_thousand_addresses_on_one_account_are_stopped_at_its_limit(door: Door) -> None:
    answers = [await login(door, "ada@thali.example", address) for address in itertools.islice(addresses(), 1_000)]
    assert [answer.status_code for answer in answers[:ACCOUNT]] == [401] * ACCOUNT
    assert {answer.status_code for answer in answers[ACCOUNT:]} == {429}
    assert door.product.calls()["users"] == ACCOUNT
    line = await door.refused(answers[-1], 429, "quota-exceeded", calls=ACCOUNT)
    assert "ada@" not in json.dumps(line)
    other = await login(door, "ben@thali.example", next(addresses()))
    assert other.status_code == 401, "another account is not locked out with it"


SPELT = [
    "eve@thali.example",
    "EVE@thali.example",
    " eve@thali.example",
    "eve@THALI.example ",
    "Eve@Thali.Example",
    "eve@thali.example\t",
]


async def test_s152_one_account_is_one_however_it_is_written(door: Door) -> None:
    found = [await login(door, spelt, next(addresses())) for spelt in SPELT * 2]
    assert [answer.status_code for answer in found].count(429) == len(found) - ACCOUNT


async def test_s152_an_account_that_is_no_text_or_is_left_out_counts_as_well(door: Door) -> None:
    """Else the flood says `{"email": ["ada@..."]}` or says it twice."""
    address, found = next(addresses()), []
    for body in ('{"password": "x"}', '{"email": null}', '{"email": ["a@x"]}', '{"email": {"a": 1}}', "[]", "{", '""') * 5:
        headers = {"content-type": "application/json", "x-forwarded-for": address}
        found.append((await door.ask("POST", "/api/v1/login", headers=headers, content=body)).status_code)
    assert door.product.calls()["users"] <= ACCOUNT or 429 in found


async def search(door: Door, address: str, path: str = "/mobile/v1/search", **headers: str) -> httpx.Response:
    return await door.ask("GET", path, headers={"x-forwarded-for": address, **headers})


ROTATED = {
    "IPv6 within a /64": [f"2001:db8:1:2:{number:x}::{number:x}" for number in range(1, 60)],
    "IPv6 written in all its ways": [
        "2001:db8:0:5::1", "2001:0db8:0000:0005:0000:0000:0000:0001", "2001:DB8::5:0:0:0:1", "[2001:db8:0:5::1]",
        "[2001:db8:0:5::1]:4711",
    ] * 9,
    "IPv4 written as IPv6": ["203.0.113.7", "::ffff:203.0.113.7", "::FFFF:cb00:7107", "203.0.113.7:80"] * 9,
}  # fmt: skip


@pytest.mark.parametrize("name", ROTATED, ids=[f"S152 {name}" for name in ROTATED])
async def test_one_client_is_one_address(door: Door, name: str) -> None:
    found = [(await search(door, address)).status_code for address in ROTATED[name]]
    assert found.count(200) == ADDRESS
    assert set(found) == {200, 429}


async def test_s152_two_networks_are_two(door: Door) -> None:
    found = [(await search(door, f"2001:db8:7:{number:x}::1")).status_code for number in range(ADDRESS * 2)]
    assert set(found) == {200}


PATHS = [
    ("/mobile/v1/search", {}), ("/mobile/v1/search?q=a", {}), ("/mobile/v1/search?limit=5", {}), ("/mobile/v1/%73earch", {}),
    ("/Mobile/v1/search", {}), ("/mobile/v1/search/", {}), ("/mobile//v1/search", {}), ("/mobile/v1/./search", {}),
    ("/mobile/v1/search", {"host": "localhost"}), ("/mobile/v1/search", {"host": "LOCALHOST:80"}),
    ("/mobile/v1/search", {"host": "shop.example."}), ("/mobile/v1/search", {"x-original-url": "/x", "x-rewrite-url": "/x"}),
]  # fmt: skip


async def test_s152_one_endpoint_is_one_by_whatever_path_or_host_it_is_reached(door: Door) -> None:
    """What is served counts; what is refused as another path serves nothing."""
    address, found = next(addresses()), []
    for path, headers in PATHS * 6:
        found.append((await search(door, address, path, **headers)).status_code)
    assert found.count(200) == ADDRESS
    assert 429 in found
    assert set(found) <= {200, 400, 404, 421, 429}


async def test_s067_ten_forged_hops_change_nothing(door: Door) -> None:
    """The last hop is what the trusted proxy saw; whatever stands before it is the client's word."""
    address, found = next(addresses()), []
    for number in range(ADDRESS * 2):
        forged = ", ".join(f"10.{number}.0.{hop}" for hop in range(10))
        found.append((await search(door, f"{forged}, {address}")).status_code)
    assert found.count(200) == ADDRESS


async def test_s153_every_refusal_says_when_and_every_answer_how_much(door: Door) -> None:
    token = door.product.backends.world.tokens.sign("11", ["orders:read", "profile"])
    answers = [await door.ask("GET", "/mobile/v1/orders", token=token) for _ in range(CALLER + 5)]
    assert [answer.status_code for answer in answers] == [200] * CALLER + [429] * 5
    left = []
    for answer in answers:
        held, told = dict(items(answer.headers["ratelimit-policy"])), dict(items(answer.headers["ratelimit"]))
        assert told.keys() <= held.keys()
        assert (held["history"]["q"], held["history"]["w"]) == (CALLER, 60)
        for parameters in told.values():
            assert isinstance(parameters["r"], int)
            assert isinstance(parameters["t"], int)
            assert parameters["r"] >= 0
        left.append(told["history"]["r"])
        assert ("retry-after" in answer.headers) == (answer.status_code == 429)
    assert left[:CALLER] == list(range(CALLER - 1, -1, -1))
    for answer in answers[CALLER:]:
        assert re.fullmatch(r"[1-9][0-9]{0,4}", answer.headers["retry-after"])
        reset = dict(items(answer.headers["ratelimit"]))["history"]["t"]
        assert isinstance(reset, int)
        assert reset <= int(answer.headers["retry-after"]) <= 60
    await door.refused(answers[-1], 429, "quota-exceeded", calls=door.reached)


async def test_s153_a_refusal_at_the_door_says_when_as_well(door: Door) -> None:
    address = next(addresses())
    answers = await asyncio.gather(*(search(door, address) for _ in range(ADDRESS + 5)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 5
    for answer in refused:
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert items(answer.headers["ratelimit"])
        assert items(answer.headers["ratelimit-policy"])


async def test_s144_each_alias_of_a_mutation_counts(door: Door) -> None:
    """Twenty guesses in one operation are twenty: counted by the limiter before the first one runs."""
    token = door.product.backends.world.tokens.sign("12", ["orders:read", "profile"])
    aliases = " ".join(f"a{number}: account {{ profile {{ name }} }}" for number in range(CALLER + 1))
    headers = {"content-type": "application/json"}
    answer = await door.ask(
        "POST", "/mobile/graphql", token=token, headers=headers, content=json.dumps({"query": f"{{ {aliases} }}"})
    )
    assert "/problems/quota-exceeded" in answer.text
    assert door.reached == 0
