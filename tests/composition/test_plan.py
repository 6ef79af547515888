"""A screen's plan: its steps in an order of running, and the cut of them that a selection needs."""

from dataclasses import dataclass

from bff import App, Caller, Client, Screen, View, field, needs, section
from bff.composition.build import plan_of
from bff.composition.plan import KEPT_CUTS, Cut
from bff.composition.selection import from_paths

APP = App("mobile")


class Users(Client, service="users"): ...


class Shop(Client, service="shop"): ...


class Ratings(Client, service="ratings"): ...


@dataclass
class Card:
    name: str
    rating: float | None = None


@dataclass
class Page:
    viewer: str
    last_picks: list[Card] | None = None
    note: str | None = None
    title: str = "Page"


@section()
async def viewer(users: Users, caller: Caller, locale: str = "en") -> str:
    return ""


@section()
async def tier(viewer: str = needs(viewer)) -> str:
    return ""


@section(fallback=None)
async def picks(shop: Shop, page_size: int = 10, tier: str = needs(tier)) -> list[Card]:
    return []


@picks.fallback
async def bestsellers(ratings: Ratings, region: str = "eu") -> list[Card]:
    return []


@section(fallback=None)
async def note(shop: Shop, locale: str = "en") -> str:
    return ""


@field(Card)
async def rating(cards: list[Card], ratings: Ratings) -> list[float | None]:
    return []


SCREEN = Screen("/page", Page(needs(viewer), needs(picks), needs(note)), apps=(APP,))


def names(cut: Cut) -> list[str]:
    return [step.section.name for step in cut.steps]


def cut(*paths: str) -> Cut:
    return plan_of(SCREEN, [rating]).only(from_paths(tuple(path.split(".")) for path in paths))


def test_a_needed_section_stands_before_those_that_need_it() -> None:
    plan = plan_of(SCREEN, [rating])
    assert [step.section.name for step in plan.steps] == ["viewer", "tier", "picks", "note"]
    assert [step.key for step in plan.steps] == ["viewer", "tier", "lastPicks", "note"]
    assert [step.shown for step in plan.steps] == [True, False, True, True]
    assert [step.required for step in plan.steps] == [True, False, False, False]


def test_the_services_of_a_step_are_its_own_and_its_fallbacks() -> None:
    plan = plan_of(SCREEN)
    assert plan.step_of(picks).services == ("shop", "ratings")
    assert plan.services == ("users", "shop", "ratings")


def test_the_inputs_are_those_of_sections_and_fallbacks_each_once() -> None:
    assert [parameter.name for parameter in plan_of(SCREEN).inputs] == ["locale", "page_size", "region"]


def test_a_cut_has_the_wanted_sections_and_all_that_they_need() -> None:
    assert names(cut("last_picks")) == ["viewer", "tier", "picks"]
    assert names(cut("note")) == ["note"]
    assert names(cut("title")) == []
    assert names(plan_of(SCREEN).only(None)) == ["viewer", "tier", "picks", "note"]


def test_a_cut_starts_with_what_waits_for_nothing_and_knows_who_waits() -> None:
    whole = plan_of(SCREEN).only(None)
    assert [step.section.name for step in whole.first] == ["viewer", "note"]
    waits = {whole.steps[i].section.name: [s.section.name for s in waiting] for i, waiting in whole.dependents.items()}
    assert waits == {"viewer": ["tier"], "tier": ["picks"], "picks": [], "note": []}
    assert [step.section.name for step in cut("viewer").first] == ["viewer"]
    assert [waiting for waiting in cut("viewer").dependents.values() if waiting] == []


def test_what_is_needed_but_not_asked_for_is_not_shown() -> None:
    narrow = cut("last_picks")
    assert list(narrow.shown) == ["last_picks"]
    assert narrow.constants == {}
    assert cut("title", "note").constants == {"title": "Page"}


def test_an_item_field_hangs_on_a_cut_only_when_it_is_asked_for() -> None:
    assert [[fill.key for fill in found] for found in cut("last_picks").fills.values()] == [["lastPicks.rating"]]
    assert cut("last_picks.name").fills == {}
    assert len(cut("last_picks.rating").fills) == 1


class Tile(View):
    name: str


class Tiles(View):
    plain: list[Tile]
    needed: Tile | None = None
    built: Tile | None = None


@section()
async def plain(shop: Shop) -> list[Tile]:
    return []


@section(fallback=None)
async def needed(shop: Shop) -> Tile | None:
    return None


@section(fallback=None)
async def built(shop: Shop, needed: Tile | None = needs(needed)) -> Tile | None:
    return None


TILES = Screen("/tiles", Tiles(needs(plain), needs(needed), needs(built)), apps=(APP,))


def final(*paths: str) -> list[str]:
    made = plan_of(TILES).only(from_paths(tuple(path.split(".")) for path in paths) if paths else None)
    return [step.key for step in made.steps if step.index in made.final]


def test_what_is_shown_whole_and_taken_by_nobody_else_may_be_written_at_once() -> None:
    assert final() == ["plain", "built"], "`needed` goes into built"
    assert final("plain.name", "needed") == ["needed"], "of plain a part is wanted, and built is not there to take needed"


class Rated(View):
    name: str
    stars: float | None = None


class Ratables(View):
    all: list[Rated]


@section()
async def ratables(shop: Shop) -> list[Rated]:
    return []


@field(Rated)
async def stars(rated: list[Rated], ratings: Ratings) -> list[float | None]:
    return []


def test_what_is_still_to_be_filled_is_not_written_at_once() -> None:
    screen = Screen("/ratables", Ratables(needs(ratables)), apps=(APP,))
    assert plan_of(screen, []).only(None).final
    assert not plan_of(screen, [stars]).only(None).final


def test_a_cut_is_made_once_and_no_client_can_make_them_without_end() -> None:
    plan = plan_of(SCREEN)
    note_only = from_paths([("note",)])
    assert plan.only(note_only) is plan.only(from_paths([("note",)]))
    for index in range(KEPT_CUTS):
        plan.only(from_paths([("last_picks", str(index))]))
    assert plan.only(note_only) is not plan.only(None)
    assert plan.only.cache_info().currsize == KEPT_CUTS  # type: ignore[attr-defined]  # an lru_cache


def test_a_screen_is_named_by_the_first_fixed_part_of_its_path() -> None:
    for path, name in (("/home", "home"), ("/order-history/{x}", "orderHistory"), ("/{x}/items", "items"), ("/{x}", "screen")):
        assert Screen(path, Page(needs(viewer)), apps=(APP,)).name == name
    assert Screen("/home", Page(needs(viewer)), apps=(APP,), name="start").name == "start"
