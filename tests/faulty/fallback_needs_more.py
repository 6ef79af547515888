"""A fallback needs a section that its own section does not need: it could wait for itself."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section()
async def other() -> str:
    return "other"


@section()
async def head() -> str:
    return "head"


@head.fallback
async def spare(other: str = needs(other)) -> str:
    return other


screen = Screen("/fallback_needs_more", Page(head=needs(head)), apps=(app,))
