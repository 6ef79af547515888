"""Limits by the account that a body names: one account is one, however it is spelled (S115, S152)."""

import json

import pytest

from bff.caller import GUEST
from bff.faces.problems import Problem
from bff.gateway.quota import Quota
from bff.gateway.quota_keys import MOST_READ
from bff.limit_settings import RateLimitSettings
from bff.testing import ManualClock
from tests.gateway.quota_kit import HOME, LOGIN, PLACES, asked, pass_, problem_of


def quota(limit: int = 1) -> Quota:
    logins = RateLimitSettings(by=["account"], to=["routes/login"], limit=limit)
    return Quota(None, {"logins": logins}, PLACES, clock=ManualClock())


async def refused(ours: Quota, body: bytes, address: str = "192.0.2.7") -> bool:
    problem = await problem_of(ours, asked(LOGIN, GUEST, address, body))
    assert problem is None or problem.kind == "quota-exceeded"
    return problem is not None


async def test_a_thousand_addresses_have_one_accounts_share_together() -> None:
    """S115."""
    ours, body = quota(5), b'{"email": "ada@shop.example", "password": "x"}'
    assert sum([not await refused(ours, body, f"192.0.{number // 250}.{number % 250}") for number in range(1_000)]) == 5
    assert not await refused(ours, b'{"email": "bob@shop.example"}')


@pytest.mark.parametrize(
    "spelled",
    [
        "ADA@Shop.Example",
        "  ada@shop.example\t",
        "ada@shop.example.",
        "ada@shop.example .. ",
        "\uff41\uff44\uff41@shop.example",  # full width
        "a\u200bda@shop.example",  # a space of no width
        "ada@\u017fhop.example",  # a long s
        "a\u00adda@shop.example",
        "\u202eada@shop.example",
    ],
)
async def test_an_account_in_any_spelling_is_one(spelled: str) -> None:
    """S152."""
    ours = quota()
    assert not await refused(ours, b'{"email": "ada@shop.example"}')
    for body in (json.dumps({"email": spelled}), json.dumps({"email": spelled}, ensure_ascii=False)):
        assert await refused(ours, body.encode(), "203.0.113.9")
    assert await refused(ours, json.dumps({"Email": spelled}).encode("utf-16"), "203.0.113.9")


async def test_a_number_and_its_text_are_one() -> None:
    ours = quota()
    assert not await refused(ours, b'{"email": 42}')
    assert await refused(ours, b'{"email": "42"}', "203.0.113.9")


@pytest.mark.parametrize(
    "body",
    [
        b'{"email": "eve@shop.example", "email": "ada@shop.example"}',
        b'{"email": "eve@shop.example", "EMAIL": "ada@shop.example"}',
        b'{"email": "eve@shop.example", "\\u0065mail": "ada@shop.example"}',
    ],
)
async def test_a_body_that_names_two_accounts_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as problem:
        await pass_(quota(5), asked(LOGIN, GUEST, body=body))
    assert problem.value.kind == "bad-request"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"other": 1}',
        b'{"email": null}',
        b'{"email": true}',
        b'{"email": {"of": "ada"}}',
        b'{"email": " . "}',
    ],
)
async def test_a_body_that_names_no_account_is_counted_by_address(body: bytes) -> None:
    ours = quota()
    assert not await refused(ours, body)
    assert await refused(ours, b'{"other": 2}')
    assert not await refused(ours, body, "203.0.113.9")
    assert not await refused(ours, b'{"email": "192.0.2.7"}')


async def test_the_body_is_there_still_for_who_stands_behind() -> None:
    request = await pass_(quota(), asked(LOGIN, GUEST, body=b'{"email": "ada"}'))
    assert request.body == b'{"email": "ada"}'


async def test_where_no_account_is_asked_for_no_body_is_read() -> None:
    request = asked(HOME, body=b'{"email": "ada"}')
    await pass_(Quota(None, {"all": RateLimitSettings(limit=5)}, PLACES, clock=ManualClock()), request)
    assert request.body is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "bad-request"),
        (b"\xff\xfe\xfd", "bad-request"),
        (b"[" * 10_000, "bad-request"),
        (b'["ada@shop.example"]', "bad-request"),
        (b'[["email", "ada@shop.example"]]', "bad-request"),
        (b"email=ada%40shop.example", "bad-request"),
        (b'{"more": ' + b"7" * 5_000 + b', "email": "ada@shop.example"}', "bad-request"),
        (b'{"email": "ada@shop.example"}' + b" " * MOST_READ, "too-large"),
    ],
)
async def test_a_body_in_which_only_the_backend_could_read_an_account_goes_no_further(body: bytes, problem: str) -> None:
    with pytest.raises(Problem) as refusal:
        await pass_(quota(), asked(LOGIN, GUEST, body=body))
    assert refusal.value.kind == problem
