"""A section that is not async, and one without a return type."""

from dataclasses import dataclass

from bff import Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str
    body: str


@section()  # type: ignore[arg-type]
def head() -> str:
    return "head"


@section()
async def body():  # type: ignore[no-untyped-def]
    return "body"


screen = Screen("/not_async", Page(head=needs(head), body=needs(body)), apps=(app,))
