"""A section may take longer than its screen."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


@section(timeout=0.7)
async def head() -> str:
    return "head"


@head.fallback
async def spare() -> str:
    return "spare"


screen = Screen("/timeout_over_budget", Page(head=needs(head)), apps=(app,), budget=0.8)
