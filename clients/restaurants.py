"""Restaurants, their menus and promotions, as their service knows them."""

from datetime import datetime

import msgspec

from bff import Client, Json, batched
from clients.money import Money, Position


class Minutes(msgspec.Struct):
    min: int
    max: int


class Hours(msgspec.Struct):
    opens: str
    closes: str


class Restaurant(msgspec.Struct):
    id: str
    name: str
    cuisine: str
    area: str
    position: Position
    delivery_fee: Money
    delivery_minutes: Minutes
    hours: Hours
    price_level: int
    picture_url: str


class Dish(msgspec.Struct):
    id: str
    name: str
    description: str
    price: Money
    is_vegetarian: bool
    picture_url: str


class Category(msgspec.Struct):
    id: str
    title: str
    dishes: list[Dish]


class Promotion(msgspec.Struct):
    id: str
    restaurant_id: str
    title: str
    percent: int
    code: str
    ends_at: datetime


class _Menu(msgspec.Struct):
    categories: list[Category]


class _Promotions(msgspec.Struct):
    items: list[Promotion]


class RestaurantPage(msgspec.Struct):
    items: list[Restaurant]
    next: str | None = None


class Restaurants(Client, service="restaurants"):
    """Where one can order, and what."""

    async def restaurant(self, restaurant_id: str) -> Restaurant:
        return await self.get("/restaurants/{restaurant_id}", Restaurant, restaurant_id=restaurant_id)

    @batched(max_size=100)  # the service's own limit
    async def known(self, restaurant_ids: list[str]) -> dict[str, Restaurant]:
        found = await self.get("/restaurants", list[Restaurant], id=restaurant_ids)
        return {restaurant.id: restaurant for restaurant in found}

    async def near(self, area: str, limit: int) -> list[Restaurant]:
        return (await self.get("/restaurants/near", RestaurantPage, area=area, limit=limit)).items

    async def popular(self, limit: int) -> list[Restaurant]:
        return (await self.get("/restaurants/popular", RestaurantPage, limit=limit)).items

    async def recommended(self, tier: str, limit: int) -> list[Restaurant]:
        return (await self.get("/restaurants/recommended", RestaurantPage, user_tier=tier, limit=limit)).items

    async def search(self, q: str, cuisine: list[str], limit: int, cursor: str | None) -> RestaurantPage:
        return await self.get("/restaurants/search", RestaurantPage, q=q, cuisine=cuisine, limit=limit, cursor=cursor)

    async def menu(self, restaurant_id: str) -> list[Category]:
        return (await self.get("/restaurants/{restaurant_id}/menu", _Menu, restaurant_id=restaurant_id)).categories

    async def promotions(self, area: str, limit: int) -> list[Promotion]:
        return (await self.get("/promotions", _Promotions, area=area, limit=limit)).items

    async def cuisines(self) -> Json:
        """The list as the service writes it: nothing of it is read here."""
        return await self.get("/cuisines", Json)
