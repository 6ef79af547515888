"""Home: compact on a phone, rich in a browser, one for guests; and what each of its parts costs when it fails."""

import asyncio

import pytest

from bff import BackendTimeout, Caller
from bff.composition.engine import SectionFailed
from bff.composition.screen import Screen
from bff.testing import ManualClock, Result, run
from clients.users import Address
from composers.home import guest_home, mobile_home, web_home
from tests.composers.fakes import (
    ADA,
    FIELDS,
    FakeDelivery,
    FakeOrders,
    FakeRestaurants,
    FakeReviews,
    FakeUsers,
    Ways,
    failing,
    healthy,
    slow,
)

CUT = 0.005  # a section is cut this much after its time, so that its call's own error comes first


async def shown(screen: Screen, *special: Ways, caller: Caller = ADA, clock: ManualClock | None = None) -> Result:
    return await run(screen, fakes=healthy(*special), fields=FIELDS, caller=caller, clock=clock or ManualClock())


async def test_mobile_home_is_whole_and_compact() -> None:
    result = await shown(mobile_home)
    assert result.complete
    nearby, picks = result.data.pop("nearby"), result.data.pop("picks")
    assert [card["id"] for card in nearby] == [str(number) for number in range(1, 9)]
    assert [card["id"] for card in picks] == [str(number) for number in range(61, 69)]
    assert nearby[0] == {
        "id": "1",
        "name": "Restaurant 1",
        "cuisine": "INDIAN",
        "minutes": "15-30",
        "rating": {"average": 4.5, "count": 10},
    }
    assert nearby[1]["rating"] is None, "of restaurant 2 nobody has said anything"
    assert result.data == {
        "viewer": {"name": "Ada Lovelace", "tier": "GOLD"},
        "deliveryArea": {"name": "Kreuzberg", "postcode": "10999", "label": "HOME"},
        "activeOrder": {"id": "1", "status": "ON_THE_WAY", "total": {"amount": 900, "currency": "EUR"}, "etaMinutes": 2},
        "lastOrders": [
            {
                "id": "1",
                "restaurantId": "5",
                "total": {"amount": 900, "currency": "EUR"},
                "placedAt": "2026-01-02T12:00:00Z",
                "restaurantName": "Restaurant 5",
            },
            {
                "id": "2",
                "restaurantId": "100",
                "total": {"amount": 900, "currency": "EUR"},
                "placedAt": "2026-01-02T12:00:00Z",
                "restaurantName": None,
            },
        ],
        "banners": [{"id": "1", "title": "For GOLD", "link": "/banner"}],
        "unread": 1,
    }


async def test_web_home_is_whole_and_rich() -> None:
    result = await shown(web_home)
    assert result.complete
    for tiles, first, count in (("nearby", 1, 24), ("picks", 61, 24), ("popular", 31, 24)):
        assert [tile["id"] for tile in result.data[tiles]] == [str(number) for number in range(first, first + count)]
    assert [tile["id"] for tile in result.data["favourites"]] == ["3", "1"]
    assert result.data["nearby"][0] == {
        "id": "1",
        "name": "Restaurant 1",
        "cuisine": "INDIAN",
        "area": "Kreuzberg",
        "minutes": "15-30",
        "deliveryFee": {"amount": 199, "currency": "EUR"},
        "opens": "11:00",
        "closes": "23:00",
        "priceLevel": 2,
        "pictureUrl": "/pictures/1.jpg",
        "rating": {"average": 4.5, "count": 10},
    }
    assert result.data["promotions"] == [
        {
            "id": "0",
            "title": "Less",
            "percent": 20,
            "code": "LESS",
            "restaurantName": "Restaurant 1",
            "endsAt": "2026-01-02T12:00:00Z",
        }
    ], "a promotion of a restaurant that is gone is left out"
    assert result.data["notes"][0]["title"] == "On its way"
    assert result.data["cuisines"] == {"items": [{"id": "INDIAN"}]}, "passed on as the service writes it"


async def test_both_homes_share_what_they_show_alike() -> None:
    phone, browser = await shown(mobile_home), await shown(web_home)
    for section in ("viewer", "deliveryArea", "activeOrder", "lastOrders", "banners"):
        assert phone.data[section] == browser.data[section]


async def test_guest_home_needs_no_caller() -> None:
    result = await shown(guest_home, caller=Caller())
    assert result.complete
    assert [card["id"] for card in result.data["popular"]] == [str(number) for number in range(31, 39)]
    assert result.data["banners"] == [{"id": "1", "title": "For GUEST", "link": "/banner"}]
    assert result.data["cuisines"] == {"items": [{"id": "INDIAN"}]}


@pytest.mark.parametrize("screen", [mobile_home, web_home])
async def test_home_cannot_live_without_knowing_who_you_are(screen: Screen) -> None:
    with pytest.raises(SectionFailed) as caught:
        await shown(screen, failing("users", "profile"))
    assert caught.value.section == "viewer"
    assert isinstance(caught.value.cause, BackendTimeout)


# Every optional section by the call it lives on: what is shown in its place, and after how many seconds at the latest.
PARTS: list[tuple[Screen, str, str, str, object, float]] = [
    (mobile_home, "geocoder", "area", "deliveryArea", None, 0.3),
    (mobile_home, "orders", "active", "activeOrder", None, 0.35),
    (mobile_home, "orders", "of", "lastOrders", [], 0.4),
    (mobile_home, "restaurants", "recommended", "picks", [], 0.35),
    (mobile_home, "notifications", "banners", "banners", [], 0.3),
    (mobile_home, "notifications", "unread", "unread", None, 0.3),
    (web_home, "restaurants", "recommended", "picks", [], 0.35),
    (web_home, "restaurants", "popular", "popular", [], 0.35),
    (web_home, "users", "favourite_ids", "favourites", [], 0.3),
    (web_home, "restaurants", "promotions", "promotions", [], 0.4),
    (web_home, "notifications", "unread", "notes", [], 0.3),
    (web_home, "restaurants", "cuisines", "cuisines", None, 0.3),
    (guest_home, "restaurants", "popular", "popular", [], 0.35),
    (guest_home, "notifications", "banners", "banners", [], 0.3),
    (guest_home, "restaurants", "cuisines", "cuisines", None, 0.3),
]


@pytest.mark.parametrize(("screen", "service", "method", "section", "instead", "seconds"), PARTS)
async def test_a_hung_call_costs_its_section_and_no_more_than_its_timeout(
    screen: Screen, service: str, method: str, section: str, instead: object, seconds: float
) -> None:
    clock = ManualClock()
    began = clock.now()
    result = await shown(screen, slow(service, method, clock), clock=clock)
    assert result.data[section] == instead
    assert list(result.outcomes) == [section], "its siblings are whole"
    assert result.outcome(section).service == service
    assert clock.now() - began == pytest.approx(seconds + CUT)


@pytest.mark.parametrize("screen", [mobile_home, web_home])
async def test_what_is_well_known_stands_in_for_what_is_near(screen: Screen) -> None:
    result = await shown(screen, failing("restaurants", "near"))
    assert result.data["nearby"][0]["id"] == "31"
    assert len(result.data["nearby"]) == (8 if screen is mobile_home else 24)
    assert result.outcome("nearby").status == "fallback"
    assert result.outcome("nearby").service == "restaurants"


async def test_without_an_address_what_is_well_known_is_shown() -> None:
    class Homeless(FakeUsers):
        async def addresses(self, user_id: str) -> list[Address]:
            return []

    result = await shown(web_home, Homeless())
    assert result.complete
    assert result.data["deliveryArea"] is None
    assert result.data["promotions"] == []
    assert result.data["nearby"][0]["id"] == "31"


async def test_failing_addresses_leave_home_without_an_area_but_with_restaurants() -> None:
    result = await shown(mobile_home, failing("users", "addresses"))
    assert result.data["deliveryArea"] is None
    assert result.outcome("deliveryArea").reason == "needs defaultAddress"
    assert result.data["nearby"][0]["id"] == "31"


async def test_failing_reviews_leave_the_cards_and_are_named() -> None:
    result = await shown(mobile_home, failing("reviews", "rating"))
    assert len(result.data["nearby"]) == len(result.data["picks"]) == 8
    assert {card["rating"] for card in result.data["nearby"]} == {None}
    assert set(result.outcomes) == {"nearby.rating", "picks.rating"}
    assert result.outcome("nearby.rating").as_meta() == {"status": "timeout", "reason": "timeout", "service": "reviews"}


async def test_hung_reviews_cost_home_300_ms() -> None:
    clock = ManualClock()
    began = clock.now()
    result = await shown(mobile_home, FakeReviews(clock, rating=60), clock=clock)
    assert set(result.outcomes) == {"nearby.rating", "picks.rating"}
    assert clock.now() - began == pytest.approx(0.3 + CUT)


async def test_an_order_is_shown_though_delivery_cannot_tell_when_it_arrives() -> None:
    result = await shown(mobile_home, failing("delivery", "progress"))
    assert result.data["activeOrder"]["id"] == "1"
    assert result.data["activeOrder"]["etaMinutes"] is None
    assert set(result.outcomes) == {"activeOrder.etaMinutes"}


async def test_orders_are_shown_though_restaurants_cannot_tell_their_names() -> None:
    result = await shown(mobile_home, failing("restaurants", "known"))
    assert [order["restaurantName"] for order in result.data["lastOrders"]] == [None, None]
    assert set(result.outcomes) == {"lastOrders.restaurantName"}


async def test_delivery_is_only_asked_about_an_order_on_its_way() -> None:
    orders, delivery = FakeOrders(), FakeDelivery()
    orders.status = "PREPARING"
    result = await shown(mobile_home, orders, delivery)
    assert result.data["activeOrder"]["etaMinutes"] is None
    assert result.complete
    assert delivery.calls == []


async def test_a_caller_without_the_scope_sees_no_orders_and_orders_are_not_asked() -> None:
    orders = FakeOrders()
    result = await shown(mobile_home, orders, caller=Caller("7"))
    assert result.outcome("activeOrder").status == result.outcome("lastOrders").status == "forbidden"
    assert result.data["viewer"]["name"] == "Ada Lovelace"
    assert orders.calls == []


async def test_nearby_and_picks_that_are_there_together_share_one_call_to_reviews() -> None:
    clock = ManualClock()
    reviews = FakeReviews()

    class Together(FakeRestaurants):
        """Both lists come in the same turn of the loop."""

        async def go(self, method: str, asked: object) -> None:
            if method in ("near", "recommended"):
                await both.wait()

    both = asyncio.Event()
    clock.call_at(clock.now() + 0.1, both.set)
    result = await shown(mobile_home, Together(), reviews, clock=clock)
    assert result.complete
    [(method, keys)] = reviews.calls
    assert method == "rating"
    assert keys == [*map(str, range(1, 9)), *map(str, range(61, 69))]


async def test_each_list_of_home_costs_at_most_one_call_to_reviews() -> None:
    reviews = FakeReviews()
    await shown(web_home, reviews)
    assert len(reviews.calls) <= 4, "nearby, picks, popular, favourites"


async def test_an_unknown_tier_is_the_users_services_failure() -> None:
    users = FakeUsers()
    users.tier = "PLATINUM"
    with pytest.raises(SectionFailed) as caught:
        await shown(mobile_home, users)
    assert caught.value.outcome.service == "users"


async def test_an_unknown_cuisine_costs_the_lists_it_stands_in() -> None:
    restaurants = FakeRestaurants()
    restaurants.cuisine = "MARTIAN"
    result = await shown(mobile_home, restaurants)
    assert result.data["nearby"] == result.data["picks"] == []
    assert set(result.outcomes) == {"nearby", "picks"}
    assert result.outcome("nearby").as_meta() == {"status": "fallback", "reason": "invalid", "service": "restaurants"}


async def test_an_unknown_order_status_costs_the_active_order() -> None:
    orders = FakeOrders()
    orders.status = "TELEPORTED"
    result = await shown(mobile_home, orders)
    assert result.data["activeOrder"] is None
    assert result.outcome("activeOrder").as_meta() == {"status": "unavailable", "reason": "invalid", "service": "orders"}


async def test_only_the_services_of_what_is_asked_for_are_called() -> None:
    fakes = healthy()
    result = await run(
        mobile_home, fakes=fakes, fields=FIELDS, caller=ADA, inputs={"sections": "viewer,unread"}, clock=ManualClock()
    )
    assert set(result.data) == {"viewer", "unread"}
    assert {fake.service for fake in fakes if fake.calls} == {"users", "notifications"}
