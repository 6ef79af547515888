"""The search screen: words, kitchens, pages; 40 cards cost one call to reviews."""

import pytest

from bff.composition.engine import SectionFailed
from bff.composition.inputs import BadInput
from bff.testing import ManualClock, Result, run
from composers.search import search
from tests.composers.fakes import FIELDS, FakeRestaurants, FakeReviews, Ways, failing, healthy, slow


async def shown(*special: Ways, clock: ManualClock | None = None, **inputs: str | list[str]) -> Result:
    return await run(search, fakes=healthy(*special), fields=FIELDS, inputs=inputs, clock=clock or ManualClock())


async def test_a_page_of_what_was_found() -> None:
    result = await shown(limit="2")
    assert result.complete
    assert result.data["results"] == {
        "items": [
            {
                "id": "1",
                "name": "Restaurant 1",
                "cuisine": "INDIAN",
                "minutes": "15-30",
                "rating": {"average": 4.5, "count": 10},
            },
            {"id": "2", "name": "Restaurant 2", "cuisine": "INDIAN", "minutes": "15-30", "rating": None},
        ],
        "next": "more",
    }


async def test_what_is_asked_for_reaches_the_service() -> None:
    restaurants = FakeRestaurants()
    await shown(restaurants, q="dal", cuisines=["INDIAN", "KOREAN"], limit="5", cursor="abc")
    assert restaurants.calls == [("search", ("dal", ["INDIAN", "KOREAN"], 5, "abc"))]


async def test_40_cards_with_ratings_are_one_call_to_reviews() -> None:
    reviews = FakeReviews()
    result = await shown(reviews, limit="40")
    assert sum(card["rating"] is not None for card in result.data["results"]["items"]) == 39
    assert reviews.calls == [("rating", [str(number) for number in range(1, 41)])]


async def test_ratings_that_nobody_asked_for_are_not_fetched() -> None:
    reviews = FakeReviews()
    result = await shown(reviews, limit="1", fields="results.items.name")
    assert result.data == {"results": {"items": [{"name": "Restaurant 1"}]}}
    assert reviews.calls == []


async def test_failing_reviews_leave_what_was_found() -> None:
    result = await shown(failing("reviews", "rating"), limit="3")
    assert [card["rating"] for card in result.data["results"]["items"]] == [None, None, None]
    assert set(result.outcomes) == {"results.items.rating"}


async def test_without_results_there_is_no_screen_after_600_ms() -> None:
    clock = ManualClock()
    began = clock.now()
    with pytest.raises(SectionFailed) as caught:
        await shown(slow("restaurants", "search", clock), clock=clock)
    assert caught.value.section == "results"
    assert caught.value.outcome.as_meta() == {"status": "timeout", "reason": "timeout", "service": "restaurants"}
    assert clock.now() - began == pytest.approx(0.605)


async def test_an_unknown_cuisine_is_the_restaurants_services_failure() -> None:
    restaurants = FakeRestaurants()
    restaurants.cuisine = "MARTIAN"
    with pytest.raises(SectionFailed) as caught:
        await shown(restaurants)
    assert caught.value.outcome.as_meta() == {"status": "unavailable", "reason": "invalid", "service": "restaurants"}


BAD: list[tuple[str, str | list[str]]] = [
    ("q", "x" * 101),
    ("cuisines", ["MARTIAN"]),
    ("cuisines", ["INDIAN"] * 6),
    ("limit", "51"),
    ("cursor", "x" * 101),
    ("page", "2"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
async def test_an_input_that_does_not_fit_calls_nobody(name: str, value: str | list[str]) -> None:
    restaurants = FakeRestaurants()
    with pytest.raises(BadInput) as caught:
        await run(search, fakes=healthy(restaurants), fields=FIELDS, inputs={name: value})
    assert caught.value.faults[0].name.startswith(name)
    assert restaurants.calls == []
