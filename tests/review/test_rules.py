"""One section, one attribute: with two, one would lose its item fields and its name in `meta`."""

from dataclasses import dataclass

import pytest

from bff import App, Screen, needs, section
from bff.composition.build import plan_of
from bff.errors import Refusal


@dataclass
class Page:
    first: str
    second: str


@section()
async def head() -> str:
    return "head"


def test_a_section_that_fills_two_attributes_is_refused() -> None:
    with pytest.raises(Refusal, match=r"'head' fills first and second"):
        plan_of(Screen("/twice", Page(first=needs(head), second=needs(head)), apps=(App("mobile"),)))
