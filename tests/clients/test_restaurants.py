"""The restaurants client, against a scripted backend."""

from typing import Any

import pytest

from bff import BackendInvalid
from bff.testing import StubReply, StubService, client_of
from clients.money import Money
from clients.restaurants import Restaurants
from tests.clients.asking import asked

DAL: dict[str, Any] = {
    "id": "5",
    "name": "Little Indian Bowl",
    "cuisine": "INDIAN",
    "area": "Kreuzberg",
    "position": {"lat": 52.5, "lon": 13.4},
    "delivery_fee": {"amount": 199, "currency": "EUR"},
    "delivery_minutes": {"min": 15, "max": 30, "typical": 20},
    "hours": {"opens": "11:00", "closes": "23:00"},
    "price_level": 2,
    "picture_url": "/pictures/5.jpg",
    "owner": {"vat": "DE1"},  # nobody here reads it
}
DISH: dict[str, Any] = {
    "id": "50",
    "restaurant_id": "5",
    "category": "MAINS",
    "name": "Dal",
    "description": "Lentils.",
    "price": {"amount": 900, "currency": "EUR"},
    "is_vegetarian": True,
    "picture_url": "/pictures/1050.jpg",
}
PROMOTION: dict[str, Any] = {
    "id": "1",
    "restaurant_id": "5",
    "title": "Less",
    "percent": 20,
    "code": "LESS",
    "ends_at": "2026-02-01T00:00:00Z",
}


async def test_a_restaurant_is_read_and_what_we_do_not_know_is_skipped() -> None:
    async with StubService({"/restaurants/5": DAL}) as stub, client_of(Restaurants, stub) as restaurants:
        found = await restaurants.restaurant("5")
        assert (found.name, found.delivery_fee, found.delivery_minutes.max) == ("Little Indian Bowl", Money(199, "EUR"), 30)


async def test_many_restaurants_are_one_call() -> None:
    async with StubService({"/restaurants": [DAL]}) as stub, client_of(Restaurants, stub) as restaurants:
        assert list(await restaurants.known.many(["5", "6"])) == ["5"]
        assert asked(stub) == [("/restaurants", {"id": ["5", "6"]})]


async def test_every_list_asks_for_as_many_as_it_shows() -> None:
    page = {"items": [DAL], "next": None}
    paths = ("/restaurants/near", "/restaurants/popular", "/restaurants/recommended")
    async with StubService(dict.fromkeys(paths, page)) as stub, client_of(Restaurants, stub) as restaurants:
        for found in (
            await restaurants.near("Kreuzberg", 8),
            await restaurants.popular(8),
            await restaurants.recommended("GOLD", 8),
        ):
            assert [restaurant.id for restaurant in found] == ["5"]
        assert asked(stub) == [
            ("/restaurants/near", {"area": ["Kreuzberg"], "limit": ["8"]}),
            ("/restaurants/popular", {"limit": ["8"]}),
            ("/restaurants/recommended", {"user_tier": ["GOLD"], "limit": ["8"]}),
        ]


async def test_a_search_leaves_out_what_was_not_given() -> None:
    async with StubService({"/restaurants/search": {"items": [DAL], "next": "c2"}}) as stub:
        async with client_of(Restaurants, stub) as restaurants:
            page = await restaurants.search("dal", ["INDIAN", "KOREAN"], 20, None)
            assert ([found.id for found in page.items], page.next) == (["5"], "c2")
            await restaurants.search("dal", [], 20, "c2")
        assert asked(stub) == [
            ("/restaurants/search", {"q": ["dal"], "cuisine": ["INDIAN", "KOREAN"], "limit": ["20"]}),
            ("/restaurants/search", {"q": ["dal"], "limit": ["20"], "cursor": ["c2"]}),
        ]


async def test_menu_promotions_and_kitchens() -> None:
    raw = b'{"items": [{"id":"INDIAN"} ]}'
    answers = {
        "/restaurants/5/menu": {"restaurant_id": "5", "categories": [{"id": "MAINS", "title": "Mains", "dishes": [DISH]}]},
        "/promotions": {"items": [PROMOTION], "next": None},
        "/cuisines": StubReply(raw),
    }
    async with StubService(answers) as stub, client_of(Restaurants, stub) as restaurants:
        [category] = await restaurants.menu("5")
        assert (category.title, [dish.name for dish in category.dishes]) == ("Mains", ["Dal"])
        [promotion] = await restaurants.promotions("Kreuzberg", 8)
        assert promotion.percent == 20
        assert (await restaurants.cuisines()).raw == raw, "passed on byte by byte"


async def test_a_wrong_shape_names_the_field() -> None:
    answers = {
        "/restaurants/5": DAL | {"delivery_fee": {"amount": 1.99, "currency": "EUR"}},
        "/restaurants/popular": {"items": [DAL, DAL | {"hours": {"opens": "11:00"}}]},
        "/cuisines": StubReply(b'{"items": ['),
    }
    async with StubService(answers) as stub, client_of(Restaurants, stub) as restaurants:
        with pytest.raises(BackendInvalid, match=r"delivery_fee\.amount"):
            await restaurants.restaurant("5")
        with pytest.raises(BackendInvalid, match=r"closes.*items|items.*closes"):
            await restaurants.popular(8)
        with pytest.raises(BackendInvalid, match="truncated"):
            await restaurants.cuisines()
