"""What partners are shown: restaurants and menus, and nothing of any user."""

from bff import Caller
from bff.testing import run
from composers import apps, partner
from tests.composers.fakes import FIELDS, FakeUsers, failing, healthy

ROBOT = Caller("key:robot", app="partner", scopes=frozenset({"restaurants:read"}), key="robot")


async def test_a_partner_finds_restaurants_and_reads_a_menu() -> None:
    found = await run(partner.restaurants, fakes=healthy(), fields=FIELDS, caller=ROBOT, inputs={"q": "dal", "limit": "3"})
    assert [item["id"] for item in found.data["results"]["items"]] == ["1", "2", "3"]
    menu = await run(partner.menus, fakes=healthy(), fields=FIELDS, caller=ROBOT, inputs={"restaurantId": "5"})
    assert (menu.data["restaurant"]["name"], len(menu.data["menu"])) == ("Restaurant 5", 2)


async def test_no_user_is_asked_for() -> None:
    users = FakeUsers()
    for screen, inputs in ((partner.restaurants, {}), (partner.menus, {"restaurantId": "5"})):
        await run(screen, fakes=healthy(users), fields=FIELDS, caller=ROBOT, inputs=inputs)
    assert users.calls == []


async def test_a_menu_that_cannot_be_had_is_an_empty_one_that_says_so() -> None:
    menu = await run(
        partner.menus, fakes=healthy(failing("restaurants", "menu")), fields=FIELDS, caller=ROBOT, inputs={"restaurantId": "5"}
    )
    assert (menu.data["menu"], menu.outcome("menu").status) == ([], "fallback")


def test_partners_come_with_keys_alone_and_each_of_their_screens_needs_a_scope() -> None:
    assert apps.partner.identities == ("api_key",)
    for screen in (partner.restaurants, partner.menus):
        assert screen.apps == (apps.partner,)
        assert screen.scopes == {"restaurants:read"}
        assert not screen.guests
