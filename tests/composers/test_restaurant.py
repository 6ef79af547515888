"""The restaurant screen: N+1 done right, for dishes and their stock, for reviews and their authors."""

import pytest

from bff import Missing
from bff.composition.engine import SectionFailed
from bff.composition.inputs import BadInput
from bff.testing import ManualClock, Result, run
from composers.restaurant import restaurant
from tests.composers.fakes import (
    FIELDS,
    FakeInventory,
    FakeRestaurants,
    FakeReviews,
    FakeUsers,
    Ways,
    failing,
    healthy,
    missing,
    slow,
)


async def shown(*special: Ways, clock: ManualClock | None = None, **inputs: str) -> Result:
    inputs.setdefault("restaurantId", "5")
    return await run(restaurant, fakes=healthy(*special), fields=FIELDS, inputs=inputs, clock=clock or ManualClock())


async def test_the_whole_restaurant() -> None:
    result = await shown(reviewsLimit="1")
    assert result.complete
    assert result.data["restaurant"] == {
        "id": "5",
        "name": "Restaurant 5",
        "cuisine": "INDIAN",
        "area": "Kreuzberg",
        "minutes": "15-30",
        "deliveryFee": {"amount": 199, "currency": "EUR"},
        "opens": "11:00",
        "closes": "23:00",
        "pictureUrl": "/pictures/5.jpg",
    }
    assert result.data["rating"] == {"average": 4.5, "count": 10}
    assert [category["title"] for category in result.data["menu"]] == ["Mains", "Sides"]
    assert result.data["menu"][0]["dishes"][0] == {
        "id": "MAINS-0",
        "name": "Dish MAINS-0",
        "description": "Good.",
        "price": {"amount": 900, "currency": "EUR"},
        "vegetarian": True,
        "left": 3,
    }
    assert result.data["reviews"] == [
        {
            "id": "0",
            "authorId": "0",
            "rating": 5,
            "text": "Good.",
            "createdAt": "2026-01-02T12:00:00Z",
            "author": {"id": "0", "name": "Ada"},
        }
    ]


async def test_100_reviews_of_10_people_are_one_call_to_users_with_10_ids() -> None:
    users = FakeUsers()
    result = await shown(users, reviewsLimit="100")
    assert len(result.data["reviews"]) == 100
    assert all(review["author"]["name"] == "Ada" for review in result.data["reviews"])
    assert users.calls == [("user", [str(number) for number in range(10)])]


async def test_all_dishes_of_all_categories_are_one_call_to_inventory() -> None:
    inventory = FakeInventory()
    await shown(inventory)
    assert inventory.calls == [("available", ["MAINS-0", "MAINS-1", "SIDES-0", "SIDES-1"])]


async def test_authors_that_nobody_asked_for_are_not_fetched() -> None:
    users = FakeUsers()
    result = await shown(users, fields="reviews.text")
    assert result.data == {"reviews": [{"text": "Good."}] * 10}
    assert users.calls == []


async def test_a_restaurant_that_is_not_there_is_no_screen() -> None:
    with pytest.raises(SectionFailed) as caught:
        await shown(missing("restaurants", "restaurant"))
    assert caught.value.section == "restaurant"
    assert isinstance(caught.value.cause, Missing)


async def test_a_restaurant_that_nobody_rated_is_missing_its_rating() -> None:
    result = await shown(restaurantId="2")
    assert result.data["rating"] is None
    assert result.outcome("rating").status == "missing"


PARTS: list[tuple[str, str, str, object, float]] = [
    ("reviews", "rating", "rating", None, 0.3),
    ("restaurants", "menu", "menu", [], 0.4),
    ("reviews", "of", "reviews", [], 0.4),
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


async def test_failing_inventory_leaves_the_menu() -> None:
    result = await shown(failing("inventory", "available"))
    assert result.data["menu"][0]["dishes"][0]["left"] is None
    assert set(result.outcomes) == {"menu.dishes.left"}


async def test_failing_users_leave_the_reviews() -> None:
    result = await shown(failing("users", "user"))
    assert result.data["reviews"][0]["author"] is None
    assert result.data["reviews"][0]["text"] == "Good."
    assert set(result.outcomes) == {"reviews.author"}


async def test_an_unknown_cuisine_is_the_restaurants_services_failure() -> None:
    restaurants = FakeRestaurants()
    restaurants.cuisine = "MARTIAN"
    with pytest.raises(SectionFailed) as caught:
        await shown(restaurants)
    assert caught.value.outcome.as_meta() == {"status": "unavailable", "reason": "invalid", "service": "restaurants"}


@pytest.mark.parametrize("limit", ["0", "101", "many"])
async def test_a_limit_out_of_bounds_calls_nobody(limit: str) -> None:
    reviews = FakeReviews()
    with pytest.raises(BadInput):
        await shown(reviews, reviewsLimit=limit)
    assert reviews.calls == []
