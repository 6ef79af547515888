"""Two sections need each other; only possible by hand, since a name must exist before it is needed."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section()
async def head(other: str = "") -> str:
    return other


@section()
async def other(head: str = needs(head)) -> str:
    return head


head.function.__defaults__ = (needs(other),)

screen = Screen("/cycle", Page(head=needs(head)), apps=(app,))
