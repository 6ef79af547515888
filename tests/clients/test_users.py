"""The users client, against a scripted backend."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bff import BackendInvalid, Missing
from bff.testing import StubService, client_of
from clients.users import User, Users
from tests.clients.asking import asked

ADA: dict[str, Any] = {
    "id": "7",
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "phone": "+49 30 7",
    "tier": "GOLD",
    "locale": "de",  # nobody here reads it
    "joined_at": "2024-03-01T09:00:00Z",
}
ADDRESS: dict[str, Any] = {
    "id": "1",
    "label": "HOME",
    "street": "Adalbertstr. 1",
    "postcode": "10999",
    "area": "Kreuzberg",
    "position": {"lat": 52.5, "lon": 13.4, "altitude": 34},
    "is_default": True,
    "floor": 3,
}


async def test_a_profile_is_read_and_what_we_do_not_know_is_skipped() -> None:
    async with StubService({"/users/7": ADA}) as stub, client_of(Users, stub) as users:
        assert await users.profile("7") == User(
            id="7",
            name="Ada Lovelace",
            email="ada@example.com",
            phone="+49 30 7",
            tier="GOLD",
            joined_at=datetime(2024, 3, 1, 9, tzinfo=UTC),
        )


async def test_many_users_are_one_call_and_one_that_is_gone_is_missing() -> None:
    async with StubService({"/users": [ADA]}) as stub, client_of(Users, stub) as users:
        assert list(await users.user.many(["7", "8", "7"])) == ["7"]
        assert asked(stub) == [("/users", {"id": ["7", "8"]})]
        with pytest.raises(Missing):
            await users.user("8")


async def test_addresses_and_favourites_are_lists_in_the_services_order() -> None:
    answers = {
        "/users/7/addresses": {"items": [ADDRESS], "next": None},
        "/users/7/favourites": {"items": [{"restaurant_id": "3", "added_at": "2025-01-01T00:00:00Z"}, {"restaurant_id": "1"}]},
    }
    async with StubService(answers) as stub, client_of(Users, stub) as users:
        [address] = await users.addresses("7")
        assert (address.area, address.position.lat, address.is_default) == ("Kreuzberg", 52.5, True)
        assert await users.favourite_ids("7") == ["3", "1"]


async def test_a_user_who_is_not_there_is_missing() -> None:
    async with StubService({}) as stub, client_of(Users, stub) as users:
        with pytest.raises(Missing):
            await users.profile("7")


async def test_a_wrong_shape_names_the_field() -> None:
    answers = {"/users/7": ADA | {"joined_at": "yesterday"}, "/users/7/addresses": {"items": [ADDRESS | {"position": None}]}}
    async with StubService(answers) as stub, client_of(Users, stub) as users:
        with pytest.raises(BackendInvalid, match="joined_at"):
            await users.profile("7")
        with pytest.raises(BackendInvalid, match="position"):
            await users.addresses("7")
