"""From arguments to a request's target: no value leaves its place (S099)."""

from datetime import UTC, datetime
from enum import Enum
from typing import cast
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.upstream.target import Argument, Arguments, BadPathValue, target


class Tier(Enum):
    GOLD = "gold"


HOSTILE = (
    "1/../2", "1?x=", "1#", "..a", "a/..", "%2e%2e", "%2F", "%00", "\x00", "a\nb", "a\r\nHost: evil", " ", "a b", "\\..\\",
    ";a=b", "&a=b", "+", "@", ":80", "//evil", "{other}", "ü", "日本", "\u202e", "a" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_a_path_value_stays_one_segment_and_comes_back_as_it_was(value: str) -> None:
    made = target("/users/{id}/orders", {"id": value})
    before, segment, after = made[: len("/users/")], made[len("/users/") : -len("/orders")], made[-len("/orders") :]
    assert (before, after) == ("/users/", "/orders")
    assert not set(segment) & set("/?#\\;& \r\n\0{}")
    assert segment.isascii()
    assert segment.isprintable()
    assert unquote(segment) == value


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_stays_in_its_segment_or_is_refused(value: str) -> None:
    try:
        made = target("/a/{x}/b", {"x": value})
    except BadPathValue:
        assert value in (".", "..")
        return
    assert made.count("/") == 3
    assert unquote(made.removeprefix("/a/").removesuffix("/b")) == value
    assert made.isascii()
    assert made.isprintable()
    assert not set(made) & set("?# ")


@pytest.mark.parametrize("value", ["", ".", "..", None])
def test_what_no_encoding_keeps_in_a_segment_is_refused(value: str | None) -> None:
    with pytest.raises(BadPathValue, match=r"cannot stand in /users/\{id\}"):
        target("/users/{id}", {"id": value})


@pytest.mark.parametrize("arguments", [{}, {"other": "1"}])
def test_a_parameter_that_was_not_given_is_a_bug_that_shows(arguments: Arguments) -> None:
    with pytest.raises(KeyError, match="id"):
        target("/users/{id}", arguments)


def test_a_value_that_looks_like_a_parameter_is_not_filled_in_again() -> None:
    assert target("/a/{x}/{y}", {"x": "{y}", "y": "1"}) == "/a/%7By%7D/1"


def test_each_parameter_is_filled_in_wherever_it_stands() -> None:
    assert target("/a/{x}.{y}/{x}", {"x": "1", "y": 2}) == "/a/1.2/1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        (Tier.GOLD, "gold"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00+00:00"),
    ],
)
def test_values_travel_in_their_one_form(value: Argument, text: str) -> None:
    assert parse_qsl(target("/x", {"v": value}).partition("?")[2]) == [("v", text)]
    assert unquote(target("/x/{v}", {"v": value})) == f"/x/{text}"


def test_the_rest_is_the_query_without_what_is_none_and_with_lists_repeated() -> None:
    assert target("/x", {}) == "/x"
    assert target("/x", {"a": None, "b": []}) == "/x"
    assert target("/x/{id}", {"id": 1, "q": "a b", "sku": ["1", "2"], "none": None}) == "/x/1?q=a+b&sku=1&sku=2"
    assert target("/x", {"empty": ""}) == "/x?empty="


def test_the_query_of_a_template_is_gone_on_with() -> None:
    assert target("/x?kind=dish", {"q": "1"}) == "/x?kind=dish&q=1"
    assert target("/x?kind=dish", {}) == "/x?kind=dish"
    assert target("/x/{id}", {"id": "?", "q": "1"}) == "/x/%3F?q=1"


@pytest.mark.parametrize("value", HOSTILE)
def test_a_query_value_stays_one_value(value: str) -> None:
    made = target("/x", cast("Arguments", {"a": value, "b": [value]}))
    assert parse_qsl(made.removeprefix("/x?"), strict_parsing=True) == [("a", value), ("b", value)]
    assert made.isascii()
    assert made.isprintable()
    assert not set(made) & set("# ")
