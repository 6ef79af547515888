"""An input of a type that no client can give, and one without a type."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section()
async def head(thing: object, nothing) -> str:  # type: ignore[no-untyped-def]
    return str(thing)


screen = Screen("/odd_input", Page(head=needs(head)), apps=(app,))
