"""`?sections=` and `?fields=`: what they name is fetched and shown, whatever else they say is a fault that tells the names."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from annotated_types import Len

from bff import App, Client, Screen, needs, section
from bff.composition.build import plan_of
from bff.composition.inputs import BadInput
from bff.composition.selection import Selection
from bff.faces.screen import Raw, ServedScreen
from bff.faces.wanted import MAX_PATHS, selection_of, split


class Shop(Client, service="shop"): ...


@dataclass
class Badge:
    full_name: str
    tier: str


@dataclass
class Card:
    name: str
    sold_by: Badge
    similar: list["Card"]


@dataclass
class Page:
    viewer: Badge
    last_picks: list[Card]
    title: str = "Page"


@section()
async def viewer(shop: Shop) -> Badge:
    return Badge("Ada", "gold")


Tags = Annotated[list[str], Len(max_length=9)]


def served() -> ServedScreen:
    @section()
    async def last_picks(item_id: str, page_size: int = 10, tags: Tags = []) -> list[Card]:  # noqa: B006 - read, never written
        return []

    screen = Screen("/page/{item_id}", Page(needs(viewer), needs(last_picks)), apps=(App("mobile"),))
    return ServedScreen(plan_of(screen), lambda _: lambda cls: cls())


WHOLE: Selection = (("viewer", None),)


@pytest.mark.parametrize(
    ("sections", "fields", "selection"),
    [
        ("viewer", None, WHOLE),
        (" viewer , ", None, WHOLE),
        ("viewer,lastPicks", None, (("viewer", None), ("last_picks", None))),
        ("viewer,viewer", None, WHOLE),
        ("title", None, (("title", None),)),
        (None, "viewer", WHOLE),
        (None, "viewer.fullName", (("viewer", (("full_name", None),)),)),
        (None, "lastPicks.name,lastPicks.soldBy.tier", (("last_picks", (("name", None), ("sold_by", (("tier", None),)))),)),
        (None, "lastPicks.similar.similar.name", (("last_picks", (("similar", (("similar", (("name", None),)),)),)),)),
        (None, "lastPicks,lastPicks.name", (("last_picks", None),)),
        ("viewer,lastPicks", "lastPicks.name", (("viewer", None), ("last_picks", (("name", None),)))),
        ("lastPicks", "lastPicks.name", (("last_picks", (("name", None),)),)),
    ],
)
def test_names_become_a_selection(sections: str | None, fields: str | None, selection: Selection) -> None:
    assert selection_of(Page, sections, fields) == selection


@pytest.mark.parametrize(
    ("sections", "fields", "name", "words"),
    [
        ("", None, "sections", "names nothing; leave it out for all"),
        (" ,, ", None, "sections", "names nothing; leave it out for all"),
        (None, "", "fields", "names nothing; leave it out for all"),
        ("nope", None, "sections", "'nope' is not known; there is: viewer, lastPicks, title"),
        ("last_picks", None, "sections", "'last_picks' is not known"),
        ("Viewer", None, "sections", "'Viewer' is not known"),
        ("viewer.tier", None, "sections", "'viewer.tier' has a dot; parts of sections go into fields"),
        (None, "viewer.nope", "fields", "'nope' is not known; there is: fullName, tier"),
        (None, "viewer.", "fields", "'' is not known"),
        (None, ".viewer", "fields", "'' is not known"),
        (None, "viewer..tier", "fields", "'' is not known"),
        (None, "viewer.tier.x", "fields", "'x' is not known; there is: no parts"),
        (None, "title.x", "fields", "'x' is not known; there is: no parts"),
        ("viewer", "lastPicks.name", "fields", "'lastPicks' is not among the sections asked for"),
        ("", "lastPicks.name", "fields", "'lastPicks' is not among the sections asked for"),
        (None, "lastPicks." + "similar." * 1_000 + "nope", "fields", "more than 7 levels deep"),
    ],
)
def test_a_name_that_is_not_there_is_a_fault_that_tells_those_that_are(
    sections: str | None, fields: str | None, name: str, words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        selection_of(Page, sections, fields)
    (fault,) = caught.value.faults
    assert fault.name == name
    assert words in fault.detail


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        selection_of(Page, "a,viewer,b", "viewer.x")
    assert [fault.name for fault in caught.value.faults] == ["sections", "sections", "fields"]


def test_more_parts_than_a_screen_has_are_refused() -> None:
    selection_of(Page, None, ",".join(["viewer.tier"] * MAX_PATHS))
    with pytest.raises(BadInput, match=f"names more than {MAX_PATHS} parts"):
        selection_of(Page, None, ",".join(["viewer.tier"] * (MAX_PATHS + 1)))


def test_a_selection_is_worked_out_once_and_a_refusal_never_kept() -> None:
    assert selection_of(Page, "viewer,title", None) is selection_of(Page, "viewer,title", None)
    before = selection_of.cache_info().currsize
    for _ in range(2):
        with pytest.raises(BadInput):
            selection_of(Page, "refused", None)
    assert selection_of.cache_info().currsize == before


def test_the_rest_of_the_query_and_the_path_are_the_inputs() -> None:
    query = [("pageSize", "5"), ("tags", "a"), ("sections", "viewer"), ("tags", "b"), ("unknown", "1")]
    assert split(served(), Raw({"itemId": "7"}, query)) == (
        WHOLE,
        {"itemId": "7", "pageSize": "5", "tags": ["a", "b"], "unknown": "1"},
    )
    assert split(served(), Raw({"itemId": "7"})) == (None, {"itemId": "7"})
    assert split(served(), Raw({"itemId": "7"}, [("pageSize", "")])) == (None, {"itemId": "7", "pageSize": ""})


def test_a_choice_given_twice_is_both() -> None:
    query = [("sections", "viewer"), ("sections", "title")]
    assert split(served(), Raw({"itemId": "7"}, query))[0] == (("viewer", None), ("title", None))


def test_an_input_given_twice_or_in_the_path_and_the_query_is_refused() -> None:
    """S118: two readers could pick differently."""
    with pytest.raises(BadInput) as caught:
        split(served(), Raw({"itemId": "7"}, [("itemId", "8"), ("pageSize", "1"), ("pageSize", "1"), ("x", "1"), ("x", "2")]))
    assert [(fault.name, fault.detail) for fault in caught.value.faults] == [
        ("itemId", "stands in the path, not in the query"),
        ("pageSize", "is given twice"),
        ("x", "is given twice"),
    ]


def test_what_is_handed_in_is_left_as_it_was() -> None:
    raw = Raw({"itemId": "7"}, [("pageSize", "5")])
    split(served(), raw)
    assert raw.path == {"itemId": "7"}
