"""A screen type with a union, which no client could be given."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str | int


@section()
async def head() -> str | int:
    return "head"


screen = Screen("/union_attribute", Page(head=needs(head)), apps=(app,))
