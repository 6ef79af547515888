"""Wrong uses of clients and batches, one a line: each must be refused by mypy --strict and by pyright."""

from dataclasses import dataclass

from bff import Client, Screen, batched
from bff.testing import run


@dataclass
class Card:
    sku: str


class Catalog(Client, service="catalog"):
    async def card(self, sku: str) -> Card:
        return await self.get("/cards/{sku}", Card, sku=sku)

    async def wrong_kind(self) -> Card:
        return await self.get("/cards", list[Card])  # refused: a list, not a Card

    async def no_kind(self) -> Card:
        return await self.get("/cards")  # refused: the type is missing

    async def no_body(self) -> Card:
        return await self.post("/cards", Card)  # refused: a write has a body

    async def wrong_key(self) -> Card:
        return await self.post("/cards", Card, Card("a"), idempotency_key=7)  # refused: the key is a text

    @batched(max_size=50)
    async def product(self, skus: list[str]) -> dict[str, Card]:
        return {}

    @batched()
    async def price(self, ids: list[int], currency: str) -> dict[int, float]:
        return {}

    @batched()  # refused: a dictionary by key, not a list
    async def gives_a_list(self, ids: list[int]) -> list[Card]:
        return []

    @batched()  # refused: takes a list of keys
    async def takes_one(self, sku: str) -> dict[str, Card]:
        return {}

    @batched()  # refused: another type of key than it takes
    async def other_key(self, skus: list[str]) -> dict[int, Card]:
        return {}

    @batched()  # refused: not async
    def not_async(self, skus: list[str]) -> dict[str, Card]:
        return {}

    @batched(max_size="50")  # refused: a number
    async def wrong_size(self, skus: list[str]) -> dict[str, Card]:
        return {}


class FakeCatalog(Catalog):
    async def card(self, sku: int) -> Card:  # refused: a fake has its client's types
        return Card("")

    @batched()
    async def product(self, ids: list[int]) -> dict[int, Card]:  # refused: a fake has its client's keys
        return {}


class Sized(Client, service=7): ...  # refused: a service has a name


async def calls(catalog: Catalog, screen: Screen) -> None:
    await catalog.product(7)  # refused: the key is a text
    await catalog.product("a", "b")  # refused: one key a call
    await catalog.product(["a"])  # refused: one key, not a list
    await catalog.product.many("a", "b")  # refused: the keys are one argument
    await catalog.product.many([1])  # refused: the keys are texts
    await catalog.price(7)  # refused: the currency is missing
    await catalog.price(7, currency=1)  # refused: the currency is a text
    await catalog.price(7, "EUR", net=True)  # refused: no such argument
    found: str = await catalog.product("a")  # refused: gives a Card
    await run(screen, fakes=[Catalog])  # refused: an instance, not the class
    await run(screen, deadline="1")  # refused: seconds are a number
    assert found
