"""A client that names no service."""

from dataclasses import dataclass

from bff import Client, Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


class Anyone(Client):
    pass


@section()
async def head(anyone: Anyone) -> str:
    return await anyone.get("/word", str)


screen = Screen("/nameless_service", Page(head=needs(head)), apps=(app,))
