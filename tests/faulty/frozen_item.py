"""A field of items that cannot be filled, since they are frozen."""

from dataclasses import dataclass

from bff import Screen, field, needs, section
from tests.faulty._app import app


@dataclass(frozen=True)
class Dish:
    name: str
    stars: int | None = None


@dataclass
class Page:
    dishes: list[Dish]


@section()
async def dishes() -> list[Dish]:
    return []


@field(Dish)
async def stars(dishes: list[Dish]) -> list[int | None]:
    return [None for _ in dishes]


screen = Screen("/frozen_item", Page(dishes=needs(dishes)), apps=(app,))
