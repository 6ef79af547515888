"""The people service: authors by id, many in one call."""

from benchmarks.thali.clients._wire import Wire
from bff import Client, batched


class Person(Wire):
    id: str
    name: str


class People(Client, service="people"):
    @batched(max_size=50)
    async def person(self, ids: list[str]) -> dict[str, Person]:
        found = await self.get("/users", list[Person], id=ids)
        return {person.id: person for person in found}
