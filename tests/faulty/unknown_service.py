"""A client of a service that bff.toml does not have."""

from dataclasses import dataclass

from bff import Client, Screen, needs, section
from tests.faulty._app import app


@dataclass
class Page:
    head: str


class Nowhere(Client, service="nowhere"):
    async def word(self) -> str:
        return await self.get("/word", str)


@section()
async def head(nowhere: Nowhere) -> str:
    return await nowhere.word()


screen = Screen("/unknown_service", Page(head=needs(head)), apps=(app,))
