"""The account screen: all that we know of you."""

import pytest

from bff import Caller
from bff.composition.engine import SectionFailed
from bff.testing import ManualClock, Result, run
from composers.account import account
from tests.composers.fakes import ADA, FIELDS, FakePayments, FakeUsers, Ways, failing, healthy, slow


async def shown(*special: Ways, caller: Caller = ADA, clock: ManualClock | None = None) -> Result:
    return await run(account, fakes=healthy(*special), fields=FIELDS, caller=caller, clock=clock or ManualClock())


async def test_the_whole_account() -> None:
    result = await shown()
    assert result.complete
    assert [card["id"] for card in result.data.pop("favourites")] == ["3", "1"], "the latest first"
    assert result.data == {
        "profile": {
            "id": "7",
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "phone": "+49 30 7",
            "tier": "GOLD",
            "joinedAt": "2026-01-02T12:00:00Z",
        },
        "addresses": [
            {
                "id": "1",
                "label": "HOME",
                "street": "Adalbertstr. 1",
                "postcode": "10999",
                "area": "Kreuzberg",
                "default": True,
            }
        ],
        "paymentMethods": [{"id": "1", "kind": "CARD", "label": "Visa", "last4": "4242", "default": True}],
    }


async def test_favourites_that_have_closed_are_left_out() -> None:
    users = FakeUsers()
    users.favourite_keys = ("100", "4")
    result = await shown(users)
    assert [card["id"] for card in result.data["favourites"]] == ["4"]
    assert result.complete


async def test_at_most_50_favourites_are_fetched() -> None:
    users = FakeUsers()
    users.favourite_keys = tuple(str(number) for number in range(1, 90))
    assert len((await shown(users)).data["favourites"]) == 50


async def test_without_a_profile_there_is_no_account() -> None:
    with pytest.raises(SectionFailed) as caught:
        await shown(failing("users", "profile"))
    assert caught.value.section == "profile"


PARTS: list[tuple[str, str, str, object, float]] = [
    ("users", "addresses", "addresses", [], 0.4),
    ("users", "favourite_ids", "favourites", [], 0.3),
    ("restaurants", "known", "favourites", [], 0.35),
    ("payments", "methods", "paymentMethods", None, 0.5),
]


@pytest.mark.parametrize(("service", "method", "section", "instead", "seconds"), PARTS)
async def test_a_hung_call_costs_its_section_and_no_more_than_its_timeout(
    service: str, method: str, section: str, instead: object, seconds: float
) -> None:
    clock = ManualClock()
    began = clock.now()
    result = await shown(slow(service, method, clock), clock=clock)
    assert result.data[section] == instead
    assert list(result.outcomes) == [section]
    assert result.outcome(section).service == service
    assert clock.now() - began == pytest.approx(seconds + 0.005)


async def test_without_the_scope_payment_methods_are_forbidden_and_not_asked() -> None:
    payments = FakePayments()
    result = await shown(payments, caller=Caller("7", scopes=frozenset({"profile"})))
    assert result.data["paymentMethods"] is None, "null, which is not the same as none"
    assert result.outcome("paymentMethods").status == "forbidden"
    assert payments.calls == []


async def test_an_unknown_tier_is_the_users_services_failure() -> None:
    users = FakeUsers()
    users.tier = "PLATINUM"
    with pytest.raises(SectionFailed) as caught:
        await shown(users)
    assert caught.value.outcome.service == "users"
