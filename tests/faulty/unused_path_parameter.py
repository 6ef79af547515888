"""A path with a parameter that no section takes."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section()
async def head() -> str:
    return "head"


screen = Screen("/unused_path_parameter/{page_id}", Page(head=needs(head)), apps=(app,))
