"""A section gives another type than the attribute that it fills."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: int


@section()
async def head() -> str:
    return "head"


screen = Screen("/wrong_type", Page(head=needs(head)), apps=(app,))
