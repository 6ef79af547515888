"""Sections that a screen can live without are left off while there is too much to do, and say so."""

import orjson
import pytest

from bff import App, BackendTimeout, Client, Screen, View, field, needs, section
from bff.composition.build import plan_of
from bff.composition.relief import Relief
from bff.faces.answer import Answer
from bff.faces.screen import Raw, ServedScreen, serve
from bff.testing import ManualClock

APP = App("mobile")
OVERLOAD = Relief(overload=True)
ORDERS_FULL = Relief(overload=False, saturated=frozenset({"orders"}))
SHED = {"status": "shed", "reason": "overload"}
BUSY = {"status": "shed", "reason": "busy", "service": "orders"}


class Card(View):
    name: str
    rating: float | None = None


class Page(View):
    head: str
    body: str | None = None
    cards: list[Card] | None = None


class Orders(Client, service="orders"):
    async def read(self, what: str) -> str:
        return await self.get("/{what}", str, what=what)


class Catalog(Client, service="catalog"):
    async def read(self, what: str) -> str:
        return await self.get("/{what}", str, what=what)


class Fakes:
    """Both services; notes what was asked of either, and fails for what is named."""

    def __init__(self, *failing: str) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class FakeOrders(Orders):
            async def read(self, what: str) -> str:
                asked.append(f"orders {what}")
                if what in failing:
                    raise BackendTimeout("orders")
                return what

        class FakeCatalog(Catalog):
            async def read(self, what: str) -> str:
                asked.append(f"catalog {what}")
                return what

        self._by_class: dict[type[Client], Client] = {Orders: FakeOrders(), Catalog: FakeCatalog()}

    def of(self, cls: type[Client]) -> Client:
        return self._by_class[cls]


class Pressed:
    def __init__(self, relief: Relief | None) -> None:
        self.relief = relief


async def served(screen: Screen, fakes: Fakes, relief: Relief | None) -> Answer:
    clock = ManualClock()
    return await clock.drive(serve(ServedScreen(plan_of(screen, FIELDS), lambda _: fakes.of, clock, Pressed(relief)), Raw()))


def shown(answer: Answer) -> tuple[dict[str, object], dict[str, dict[str, object]]]:
    """What is shown, and the verdicts of what is not plainly ok."""
    document = orjson.loads(answer.body)
    return document["data"], document["meta"]["sections"]


@field(Card)
async def rating(cards: list[Card], orders: Orders) -> list[float | None]:
    await orders.read("rating")
    return [5.0 for _ in cards]


FIELDS = [rating]


@section()
async def head(orders: Orders) -> str:
    return await orders.read("head")


@section(fallback=None)
async def body(orders: Orders) -> str:
    return await orders.read("body")


@section(fallback=None)
async def cards(catalog: Catalog) -> list[Card]:
    return [Card(await catalog.read("cards"))]


def page(body: object, cards: object = None) -> Screen:
    return Screen("/page", Page(needs(head), body, cards), apps=(APP,))  # type: ignore[arg-type]  # markers


async def test_without_pressure_all_is_run() -> None:
    fakes = Fakes()
    data, verdicts = shown(await served(page(needs(body), needs(cards)), fakes, None))
    assert data == {"head": "head", "body": "body", "cards": [{"name": "cards", "rating": 5.0}]}
    assert verdicts == {}


async def test_an_overloaded_process_runs_required_sections_only() -> None:
    fakes = Fakes()
    data, verdicts = shown(await served(page(needs(body), needs(cards)), fakes, OVERLOAD))
    assert data == {"head": "head", "body": None, "cards": None}
    assert verdicts == {"body": SHED, "cards": SHED}
    assert fakes.asked == ["orders head"]


async def test_of_a_full_service_optional_callers_give_way_and_other_services_are_asked() -> None:
    fakes = Fakes()
    data, verdicts = shown(await served(page(needs(body), needs(cards)), fakes, ORDERS_FULL))
    assert data == {"head": "head", "body": None, "cards": [{"name": "cards", "rating": None}]}
    assert verdicts == {"body": BUSY, "cards.rating": BUSY}
    assert sorted(fakes.asked) == ["catalog cards", "orders head"]


async def test_a_section_that_asks_a_free_service_too_is_run() -> None:
    @section(fallback=None)
    async def both(orders: Orders, catalog: Catalog) -> str:
        return await catalog.read("both")

    data, verdicts = shown(await served(page(needs(both)), Fakes(), ORDERS_FULL))
    assert (data["body"], verdicts) == ("both", {})


async def test_a_fallback_value_that_is_shown_for_a_shed_section_is_still_called_shed() -> None:
    @section(fallback=lambda: "constant")
    async def body(orders: Orders) -> str:
        return await orders.read("body")

    data, verdicts = shown(await served(page(needs(body)), Fakes(), OVERLOAD))
    assert (data["body"], verdicts) == ("constant", {"body": SHED})


@pytest.mark.parametrize(("relief", "value", "asked"), [(OVERLOAD, None, False), (ORDERS_FULL, "spare", True)])
async def test_a_computed_fallback_runs_where_its_service_has_room(relief: Relief, value: str | None, asked: bool) -> None:
    @section(fallback=None)
    async def body(orders: Orders) -> str:
        return await orders.read("body")

    @body.fallback
    async def spare(catalog: Catalog) -> str:
        return await catalog.read("spare")

    fakes = Fakes()
    data, verdicts = shown(await served(page(needs(body)), fakes, relief))
    assert data["body"] == value
    assert verdicts["body"]["status"] == "shed"
    assert ("catalog spare" in fakes.asked) is asked


async def test_a_computed_fallback_of_a_section_that_failed_is_left_off_too() -> None:
    @section(fallback=lambda: "constant")
    async def body(catalog: Catalog) -> str:
        raise BackendTimeout("catalog")

    @body.fallback
    async def spare(orders: Orders) -> str:
        return await orders.read("spare")

    data, verdicts = shown(await served(page(needs(body)), Fakes(), ORDERS_FULL))
    assert data["body"] == "constant"
    assert verdicts == {"body": {"status": "fallback", "reason": "timeout", "service": "catalog"}}


async def test_a_section_whose_attribute_is_never_null_is_run_when_only_a_call_could_stand_in() -> None:
    """Its fallback is a call as dear as its own, and the screen fails if that fails."""

    @section()
    async def head(orders: Orders) -> str:
        return await orders.read("head")

    @head.fallback
    async def spare(orders: Orders) -> str:
        return await orders.read("spare")

    fakes = Fakes()
    data, verdicts = shown(await served(Screen("/page", Page(needs(head)), apps=(APP,)), fakes, OVERLOAD))
    assert (data["head"], verdicts, fakes.asked) == ("head", {}, ["orders head"])


async def test_a_step_that_only_optional_sections_need_is_left_off_with_them() -> None:
    @section()
    async def tier(orders: Orders) -> str:
        return await orders.read("tier")

    @section(fallback=None)
    async def body(catalog: Catalog, tier: str = needs(tier)) -> str:
        return await catalog.read(tier)

    fakes = Fakes()
    data, verdicts = shown(await served(page(needs(body)), fakes, OVERLOAD))
    assert (data["body"], verdicts) == (None, {"body": SHED})
    assert fakes.asked == ["orders head"]


async def test_a_step_that_a_required_section_needs_is_run() -> None:
    @section()
    async def tier(orders: Orders) -> str:
        return await orders.read("tier")

    @section()
    async def head(orders: Orders, tier: str = needs(tier)) -> str:
        return await orders.read(tier)

    @section(fallback=None)
    async def body(catalog: Catalog, tier: str = needs(tier)) -> str:
        return await catalog.read(tier)

    fakes = Fakes()
    data, verdicts = shown(await served(Screen("/page", Page(needs(head), needs(body)), apps=(APP,)), fakes, OVERLOAD))
    assert (data["head"], data["body"], verdicts) == ("tier", None, {"body": SHED})
    assert fakes.asked == ["orders tier", "orders tier"]


async def test_a_section_that_calls_nobody_is_run() -> None:
    @section(fallback=None)
    async def body() -> str:
        return "free"

    data, verdicts = shown(await served(page(needs(body)), Fakes(), OVERLOAD))
    assert (data["body"], verdicts) == ("free", {})


@pytest.mark.parametrize(("constant", "shed"), [(False, False), (True, True)])
async def test_a_step_that_a_required_section_needs_is_shed_only_if_a_constant_can_stand_in(constant: bool, shed: bool) -> None:
    """A fallback that is computed may fail under the same load, and the required section with it."""

    async def asked(orders: Orders) -> str:
        return await orders.read("tier")

    tier = section(fallback=lambda: "standard")(asked) if constant else section()(asked)

    @tier.fallback
    async def spare(orders: Orders) -> str:
        return await orders.read("spare")

    @section()
    async def head(tier: str = needs(tier)) -> str:
        return tier

    fakes = Fakes("spare")
    data, _ = shown(await served(Screen("/page", Page(needs(head)), apps=(APP,)), fakes, OVERLOAD))
    assert data["head"] == ("standard" if shed else "tier")
    assert ("orders tier" in fakes.asked) is not shed
