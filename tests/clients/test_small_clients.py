"""The clients of geocoder, inventory, notifications and reviews, each against a scripted backend."""

import pytest

from bff import BackendInvalid
from bff.testing import StubService, client_of
from clients.geocoder import Geocoder
from clients.inventory import Inventory
from clients.notifications import Notifications
from clients.reviews import Rating, Reviews
from tests.clients.asking import asked

AREA = {"name": "Prenzlauer Berg", "postcode": "10405", "position": {"lat": 52.5, "lon": 13.4}, "radius_m": 2000, "mayor": "x"}
NOTE = {
    "id": "1",
    "user_id": "7",
    "kind": "ORDER",
    "title": "On its way",
    "text": "Grace has it",
    "link": "/orders/1",
    "created_at": "2026-01-02T12:00:00Z",
    "is_read": False,
}
BANNER = {"id": "1", "audience": "GOLD", "title": "For you", "text": "", "link": "/banner"}
REVIEW = {
    "id": "1",
    "restaurant_id": "5",
    "user_id": "7",
    "rating": 5,
    "text": "Good.",
    "created_at": "2026-01-02T12:00:00Z",
}


async def test_an_area_is_found_by_a_name_with_a_space() -> None:
    async with StubService({"/areas/Prenzlauer Berg": AREA}) as stub, client_of(Geocoder, stub) as geocoder:
        assert (await geocoder.area("Prenzlauer Berg")).postcode == "10405"


async def test_a_wrong_area_names_the_field() -> None:
    answers = {"/areas/Mitte": AREA | {"position": {"lat": "north", "lon": 1}}}
    async with StubService(answers) as stub, client_of(Geocoder, stub) as geocoder:
        with pytest.raises(BackendInvalid, match=r"position\.lat"):
            await geocoder.area("Mitte")


async def test_what_is_left_of_many_dishes_is_one_call() -> None:
    async with StubService({"/stock": [{"dish_id": "1", "available": 3, "reserved": 1}]}) as stub:
        async with client_of(Inventory, stub) as inventory:
            assert await inventory.available.many(["1", "2"]) == {"1": 3}
        assert asked(stub) == [("/stock", {"dish": ["1", "2"]})]


async def test_a_wrong_stock_names_the_field() -> None:
    answers = {"/stock": [{"dish_id": "1", "available": None}]}
    async with StubService(answers) as stub, client_of(Inventory, stub) as inventory:
        with pytest.raises(BackendInvalid, match="available"):
            await inventory.available("1")


async def test_unread_messages_and_banners() -> None:
    answers = {"/notifications": {"items": [NOTE], "next": None}, "/banners": {"items": [BANNER]}}
    async with StubService(answers) as stub, client_of(Notifications, stub) as notifications:
        [note] = await notifications.unread("7", 24)
        assert (note.title, note.is_read) == ("On its way", False)
        [banner] = await notifications.banners("GOLD")
        assert banner.title == "For you"
        assert asked(stub) == [
            ("/notifications", {"user": ["7"], "unread": ["true"], "limit": ["24"]}),
            ("/banners", {"audience": ["GOLD"]}),
        ]


async def test_a_wrong_message_names_the_field() -> None:
    answers = {"/notifications": {"items": [NOTE | {"created_at": 5}]}, "/banners": {"items": [{}]}}
    async with StubService(answers) as stub, client_of(Notifications, stub) as notifications:
        with pytest.raises(BackendInvalid, match="created_at"):
            await notifications.unread("7", 24)
        with pytest.raises(BackendInvalid, match="id"):
            await notifications.banners("GOLD")


async def test_ratings_of_many_restaurants_are_one_call() -> None:
    rating = {"restaurant_id": "5", "average": 4, "count": 10, "stars": [1]}
    async with StubService({"/ratings": [rating]}) as stub, client_of(Reviews, stub) as reviews:
        assert await reviews.rating.many(["5", "6"]) == {"5": Rating("5", 4.0, 10)}
        assert asked(stub) == [("/ratings", {"restaurant": ["5", "6"]})]


async def test_the_newest_reviews_of_a_restaurant() -> None:
    async with StubService({"/reviews": {"items": [REVIEW], "next": "c2"}}) as stub, client_of(Reviews, stub) as reviews:
        [review] = await reviews.of("5", 10)
        assert (review.user_id, review.rating) == ("7", 5)
        assert asked(stub) == [("/reviews", {"restaurant": ["5"], "limit": ["10"]})]


async def test_a_wrong_rating_names_the_field() -> None:
    answers = {"/ratings": [{"restaurant_id": "5", "average": 4.5}]}
    async with StubService(answers) as stub, client_of(Reviews, stub) as reviews:
        with pytest.raises(BackendInvalid, match="count"):
            await reviews.rating("5")
