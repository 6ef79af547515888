"""The workloads are what performance.md says they are."""

import json
from typing import Any

import pytest

from benchmarks import payloads, workloads
from benchmarks.checks import difference


@pytest.mark.parametrize(
    ("service", "path", "kilobytes"),
    [
        ("users", "/user", 0.5),
        ("orders", "/orders", 2),
        ("restaurants", "/restaurants", 7),
        ("recommendations", "/recommendations", 4),
        ("notifications", "/notifications", 1),
    ],
)
def test_a_backend_sends_as_much_as_stated(service: str, path: str, kilobytes: float) -> None:
    assert len(payloads.files()[service][path]) == pytest.approx(kilobytes * 1000, rel=0.06)


def test_the_graphql_screen_has_290_leaf_values() -> None:
    assert _leaves(workloads.selected()) == 290


def test_a_hundred_posts_have_ten_authors_and_the_batch_endpoint_knows_them_all() -> None:
    asked = [post["userId"] for post in payloads.posts()]
    assert len(asked) == 100
    assert set(asked) == {person["id"] for person in payloads.people()}


def test_w1_is_exactly_what_the_backends_sent() -> None:
    sent = [json.loads(body) for answers in list(payloads.files().values())[:5] for body in answers.values()]
    assert list(workloads.whole().values()) == sent


@pytest.mark.parametrize(
    ("got", "where"),
    [
        ({"a": [1, {"b": "x"}]}, None),
        ({"a": [1, {"b": "y"}]}, "$.a[1].b: 'y', not 'x'"),
        ({"a": [1]}, "$.a: 1 items, not 2"),
        ({"a": [True, {"b": "x"}]}, "$.a[0]: True, not 1"),
        ({"c": 1}, "$: missing ['a'], not expected ['c']"),
        ([], "$: [], not {'a': [1, {'b': 'x'}]}"),
    ],
)
def test_the_first_difference_is_named(got: object, where: str | None) -> None:
    assert difference({"a": [1, {"b": "x"}]}, got) == where


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1
