"""An input list without a limit."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section()
async def head(words: list[str]) -> str:
    return " ".join(words)


screen = Screen("/unbounded_list", Page(head=needs(head)), apps=(app,))
