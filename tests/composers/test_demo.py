"""The demo's screens over the demo's real services, in this process and on free ports."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from backends.running import Backends
from bff import Caller, project
from bff import settings as settings_module
from bff.composition.engine import SectionFailed
from bff.faces import problems
from bff.faces.answer import Answer
from bff.faces.screen import Raw, ServedScreen, serve
from bff.project import Project
from bff.service_settings import ServiceSettings
from bff.testing import Fault
from bff.upstream.scope import RequestScope
from bff.upstream.upstreams import Upstreams

# User 7's data fills every section.
ADA = Caller("7", scopes=frozenset({"profile", "orders:read", "payments:read"}))
SCREENS = ("home", "guestHome", "restaurant", "search", "orderHistory", "tracking", "account")
PATIENCE = 5.0  # seconds a call may take here: what these tests hold is not how fast a busy test machine is


@dataclass
class Demo:
    """The project over running services."""

    backends: Backends
    project: Project
    upstreams: Upstreams

    def served(self, app: str, screen: str) -> ServedScreen:
        return ServedScreen(self.project.plan(app, screen), self.upstreams.clients)

    async def ask(
        self, app: str, screen: str, inputs: Mapping[str, str] | None = None, caller: Caller = ADA
    ) -> tuple[Answer, RequestScope]:
        served = self.served(app, screen)
        given = dict(inputs or {})
        path = {name: value for name, value in given.items() if served.inputs.in_path(name, served.screen.parameters)}
        query = [(name, value) for name, value in given.items() if name not in path]
        raw = Raw(path, query, caller)
        return await serve(served, raw), raw.scope


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    settings = settings_module.load()
    async with Backends.start(free_ports=True) as backends:
        services = {
            name: ServiceSettings(
                wire=found.wire, instances=[f"http://{at}" for at in backends.addresses(name)], timeout=PATIENCE
            )
            for name, found in settings.services.items()
        }
        upstreams = Upstreams.of(settings.model_copy(update={"services": services}))
        yield Demo(backends, project.load(settings.composers, services), upstreams)
        await upstreams.close()


def data_of(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(answer.body)["data"]
    return found


def gaps(value: object, place: str = "") -> list[str]:
    """Where an answer is empty: null, or a list of nothing."""
    match value:
        case dict():
            return [gap for name, inner in value.items() for gap in gaps(inner, f"{place}.{name}")]
        case list():
            return [gap for inner in value for gap in gaps(inner, f"{place}[]")] if value else [place]
        case None:
            return [place]
        case _:
            return []


async def adas_order(demo: Demo) -> str:
    home, _ = await demo.ask("mobile", "home", {"sections": "activeOrder"})
    return str(data_of(home)["activeOrder"]["id"])


@pytest.mark.parametrize("app", ["mobile", "web"])
async def test_every_screen_of_user_7_is_complete_and_full(demo: Demo, app: str) -> None:
    inputs = {"restaurant": {"restaurantId": "1"}, "tracking": {"orderId": await adas_order(demo)}}
    for name in SCREENS:
        answer, _ = await demo.ask(app, name, inputs.get(name))
        if any(outcome.status == "timeout" for outcome in answer.outcomes.values()):
            # A busy machine may stall for a section's 300 ms; what is asked here is what there is to show.
            answer, _ = await demo.ask(app, name, inputs.get(name))
        assert answer.status == 200
        assert dict(answer.outcomes) == {}, name
        assert [gap for gap in gaps(data_of(answer)) if not gap.endswith(".next")] == [], name


async def test_mobile_home_has_six_sections_and_more_from_six_services_and_more(demo: Demo) -> None:
    answer, scope = await demo.ask("mobile", "home")
    assert len(data_of(answer)) >= 6
    called = {name for name in demo.backends.names() if demo.backends.stub(name).counters.calls}
    assert called | {"restaurants"} == {record.service for record in scope.records}, "restaurants: either of its instances"
    assert len(called) >= 6


async def test_mobile_home_is_at_most_half_as_large_as_web_home(demo: Demo) -> None:
    phone, _ = await demo.ask("mobile", "home")
    browser, _ = await demo.ask("web", "home")
    assert len(phone.body) <= 0.5 * len(browser.body)


async def test_40_cards_with_ratings_are_one_call_to_reviews(demo: Demo) -> None:
    answer, _ = await demo.ask("mobile", "search", {"limit": "40"})
    assert len(data_of(answer)["results"]["items"]) == 40
    assert demo.backends.stub("reviews").counters.calls == 1


async def test_100_reviews_are_one_call_for_their_authors(demo: Demo) -> None:
    answer, _ = await demo.ask("mobile", "restaurant", {"restaurantId": "1", "reviewsLimit": "100", "sections": "reviews"})
    reviews = data_of(answer)["reviews"]
    assert len(reviews) == 100
    assert all(review["author"]["name"] for review in reviews)
    assert demo.backends.stub("users").counters.calls == 1


async def test_only_the_services_of_what_is_asked_for_are_called(demo: Demo) -> None:
    await demo.ask("mobile", "home", {"sections": "viewer,unread"})
    called = {name for name in demo.backends.names() if demo.backends.stub(name).counters.calls}
    assert called == {"users", "notifications"}


async def test_hung_reviews_cost_the_ratings_and_are_named(demo: Demo) -> None:
    demo.backends.stub("reviews").fault = Fault("hang")
    answer, _ = await demo.ask("mobile", "home")
    assert set(answer.outcomes) == {"nearby.rating", "picks.rating"}
    assert {(outcome.status, outcome.service) for outcome in answer.outcomes.values()} == {("timeout", "reviews")}
    assert len(data_of(answer)["nearby"]) == 8


async def test_somebody_elses_order_cannot_be_tracked(demo: Demo) -> None:
    order = await adas_order(demo)
    with pytest.raises(SectionFailed) as caught:
        await demo.ask("mobile", "tracking", {"orderId": order}, Caller("8", scopes=ADA.scopes))
    assert problems.of(caught.value).kind == "not-found"
