"""A section of Views is written in one go: the bytes must be those of taking it apart."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff import ID, Int64, Json, View
from bff.composition.render import projector, to_json
from bff.composition.shape import shape_of
from bff.composition.verbatim import is_verbatim, write


class Tone(Enum):
    LOUD = "LOUD"
    LOW = "LOW"


class Odd(Enum):
    LOUD = "loud"


class Inner(View):
    day: date
    some_text: str


class Plain(View):
    id: ID
    is_open: bool
    big_number: int
    share: float | None
    price: Decimal
    key: UUID
    tone: Tone
    inner: Inner | None
    many_inner: list[Inner]
    tags: list[str]


class Page(View):
    plain: list[Plain]


class Tree(View):
    name: str
    children: list["Tree"]


class Timed(View):
    at: datetime


class Wide(View):
    number: Int64


class Clock(View):
    at: time


class Spliced(View):
    raw: Json


class Worded(View):
    odd: Odd


class Lean(View, omit_defaults=True):
    name: str | None = None


class Holding(View):
    timed: Timed | None


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
inners = st.builds(Inner, day=st.dates(), some_text=texts)
plains = st.builds(
    Plain,
    id=texts,
    is_open=st.booleans(),
    big_number=st.integers(-(2**63), 2**63 - 1),
    share=st.none() | st.floats(),
    price=st.decimals(allow_nan=False, allow_infinity=False, places=2),
    key=st.uuids(),
    tone=st.sampled_from(Tone),
    inner=st.none() | inners,
    many_inner=st.lists(inners, max_size=2),
    tags=st.lists(texts, max_size=2),
)
NAMES = ("id", "is_open", "big_number", "share", "price", "key", "tone", "inner", "many_inner", "tags")


@given(st.lists(plains, max_size=3))
def test_one_go_gives_what_the_projector_gives(values: list[Plain]) -> None:
    assert is_verbatim(shape_of(list[Plain]))
    in_one_go = to_json(projector(Page, None)({"plain": values}))
    every_name = (("plain", tuple((name, None) for name in NAMES)),)
    assert orjson.loads(in_one_go) == orjson.loads(to_json(projector(Page, every_name)({"plain": values})))


@pytest.mark.parametrize("shape", [list[Plain], Inner | None, Tree, list[Tree], tuple[Inner, ...]])
def test_what_is_written_alike(shape: Any) -> None:
    assert is_verbatim(shape_of(shape))


@pytest.mark.parametrize("shape", [Timed, Wide, Clock, Spliced, Worded, Lean, Holding, list[Holding]])
def test_what_clients_get_in_another_form_is_taken_apart(shape: Any) -> None:
    assert not is_verbatim(shape_of(shape))


def test_a_time_inside_a_view_is_told_in_utc() -> None:
    class Screen(View):
        one: Timed

    assert to_json(projector(Screen, None)({"one": Timed(at=datetime(2026, 1, 2, tzinfo=UTC))})) == (
        b'{"one":{"at":"2026-01-02T00:00:00Z"}}'
    )


class Priced(View):
    name: str


class PricedInside(Priced):
    cost: int


def test_what_a_subclass_has_more_is_not_shown_where_its_base_was_promised() -> None:
    class Screen(View):
        one: Priced

    assert to_json(projector(Screen, None)({"one": PricedInside(name="soup", cost=2)})) == b'{"one":{"name":"soup"}}'


class Word(str):
    pass


class Number(int):
    pass


def test_texts_and_numbers_of_classes_of_their_own_are_written_as_they_are() -> None:
    values = {"plain": [Inner(day=date(2026, 1, 2), some_text=Word("soup"))], "many": Number(7)}

    class Screen(View):
        plain: list[Inner]
        many: int

    assert to_json(projector(Screen, None)(values)) == b'{"plain":[{"day":"2026-01-02","someText":"soup"}],"many":7}'
    assert write([Word("soup"), Number(7)]) == b'["soup",7]'
