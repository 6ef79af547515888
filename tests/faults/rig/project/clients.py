"""The rig's services. All speak alike: a part of a screen."""

import msgspec

from bff import Client


class Item(msgspec.Struct):
    id: str
    title: str
    text: str


class Part(msgspec.Struct):
    service: str
    copy: int
    items: list[Item]


class Account(Client, service="account"):
    async def part(self) -> Part:
        return await self.get("/account", Part)


class Cart(Client, service="cart"):
    async def part(self) -> Part:
        return await self.get("/cart", Part)


class Picks(Client, service="picks"):
    async def part(self) -> Part:
        return await self.get("/picks", Part)


class Ratings(Client, service="ratings"):
    async def part(self) -> Part:
        return await self.get("/ratings", Part)


class News(Client, service="news"):
    async def part(self) -> Part:
        return await self.get("/news", Part)


class Search(Client, service="search"):
    async def part(self) -> Part:
        return await self.get("/search", Part)


class Payments(Client, service="payments"):
    async def part(self) -> Part:
        return await self.get("/payments", Part)
