"""Two sections take one input under two types."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str
    body: str


@section()
async def head(limit: int) -> str:
    return str(limit)


@section()
async def body(limit: str) -> str:
    return limit


screen = Screen("/two_types_of_one_input", Page(head=needs(head), body=needs(body)), apps=(app,))
