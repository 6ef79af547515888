"""A section that can be None fills an attribute that cannot."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section(fallback=None)
async def head() -> str:
    return "head"


screen = Screen("/optional_in_non_null", Page(head=needs(head)), apps=(app,))
