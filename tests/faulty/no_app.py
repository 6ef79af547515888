"""A screen that no app has."""

from dataclasses import dataclass

from bff import Screen, needs, section


@dataclass
class Page:
    head: str


@section()
async def head() -> str:
    return "head"


screen = Screen("/no_app", Page(head=needs(head)), apps=())
