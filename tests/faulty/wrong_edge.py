"""A section needs a str from one that gives an int."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section()
async def number() -> int:
    return 1


@section()
async def head(number: str = needs(number)) -> str:
    return number


screen = Screen("/wrong_edge", Page(head=needs(head)), apps=(app,))
