"""One section fills two attributes."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str
    again: str


@section()
async def head() -> str:
    return "head"


screen = Screen("/section_twice", Page(head=needs(head), again=needs(head)), apps=(app,))
