"""The users service: one profile."""

from benchmarks.thali.clients._wire import Wire
from bff import Client, Json


class Address(Wire):
    street: str
    city: str
    postcode: str
    latitude: float
    longitude: float


class User(Wire):
    id: str
    name: str
    email: str
    phone: str
    tier: str
    points: int
    member_since: str
    locale: str
    avatar_url: str
    marketing: bool
    address: Address
    about: str


class City(Wire):
    city: str


class UserBrief(Wire):
    """W1b shows no more than this; the rest is skipped unread."""

    name: str
    tier: str
    points: int
    avatar_url: str
    address: City


class Users(Client, service="users"):
    async def profile(self) -> User:
        return await self.get("/user", User)

    async def brief(self) -> UserBrief:
        return await self.get("/user", UserBrief)

    async def raw(self) -> Json:
        return await self.get("/user", Json)
