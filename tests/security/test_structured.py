"""The reader of structured fields reads what RFC 9651 allows and nothing else, or it would prove nothing."""

import pytest

from tests.security.structured import Bare, Malformed, items


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ('"default";r=50;t=30', [("default", {"r": 50, "t": 30})]),
        ('"a";q=100;w=60, "b";q=5;w=1;pk=:cHI=:', [("a", {"q": 100, "w": 60}), ("b", {"q": 5, "w": 1, "pk": b"cHI="})]),
        ("token;a;b=?0;c=1.5", [("token", {"a": True, "b": False, "c": 1.5})]),
        ('"with \\"quotes\\""', [('with "quotes"', {})]),
    ],
)
def test_a_list_of_items_is_read(text: str, found: list[tuple[Bare, dict[str, Bare]]]) -> None:
    assert items(text) == found


@pytest.mark.parametrize("text", ['"open', '"a",', '"a";R=1', '"a" "b"', '"ü"', "1234567890123456", '"a";r=', ";r=1", "a=1"])
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        items(text)
