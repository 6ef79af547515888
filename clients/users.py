"""Users, as their service knows them."""

from datetime import datetime

import msgspec

from bff import Client, batched
from clients.money import Position


class User(msgspec.Struct):
    id: str
    name: str
    email: str
    phone: str
    tier: str
    joined_at: datetime


class Address(msgspec.Struct):
    id: str
    label: str
    street: str
    postcode: str
    area: str
    position: Position
    is_default: bool


class _Favourite(msgspec.Struct):
    restaurant_id: str


class _Favourites(msgspec.Struct):
    items: list[_Favourite]


class _Addresses(msgspec.Struct):
    items: list[Address]


class Users(Client, service="users"):
    """Who somebody is, where they live, what they like."""

    async def profile(self, user_id: str) -> User:
        return await self.get("/users/{user_id}", User, user_id=user_id)

    @batched(max_size=100)  # the service's own limit
    async def user(self, user_ids: list[str]) -> dict[str, User]:
        found = await self.get("/users", list[User], id=user_ids)
        return {user.id: user for user in found}

    async def addresses(self, user_id: str) -> list[Address]:
        """The user's addresses, the default one first."""
        return (await self.get("/users/{user_id}/addresses", _Addresses, user_id=user_id)).items

    async def favourite_ids(self, user_id: str) -> list[str]:
        """Ids of restaurants, the latest favourite first."""
        found = await self.get("/users/{user_id}/favourites", _Favourites, user_id=user_id)
        return [favourite.restaurant_id for favourite in found.items]
