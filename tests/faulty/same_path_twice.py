"""Two screens of one app at one path."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section()
async def head() -> str:
    return "head"


one = Screen("/same_path_twice", Page(head=needs(head)), apps=(app,))
two = Screen("/same_path_twice", Page(head=needs(head)), apps=(app,))
