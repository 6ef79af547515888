"""What a screen says of itself."""

from typing import Any, cast

import pytest

from bff import App, Screen, View
from bff.priority import PRIORITIES

APP = App("mobile")


class Page(View):
    head: str = "constant"


def test_a_screen_is_of_normal_priority_unless_it_says_otherwise() -> None:
    assert Screen("/page", Page(), apps=(APP,)).priority == "normal"
    assert [Screen("/page", Page(), apps=(APP,), priority=one).priority for one in PRIORITIES] == list(PRIORITIES)


def test_a_priority_that_there_is_not_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match=r"Screen\('/page'\): priority='urgent' is none; give one of critical, high"):
        Screen("/page", Page(), apps=(APP,), priority=cast("Any", "urgent"))  # Any: what no type checker lets pass
