"""A field that fills an attribute nobody declared, and one whose attribute has no default None."""

from dataclasses import dataclass

from bff import Screen, field, needs, section
from tests.faulty._app import app


@dataclass
class Card:
    name: str


@dataclass
class Page:
    cards: list[Card]


@section()
async def cards() -> list[Card]:
    return []


@field(Card)
async def rating(cards: list[Card]) -> list[float]:
    return [1.0 for _ in cards]


@field(Card)
async def name(cards: list[Card]) -> list[str]:
    return ["" for _ in cards]


screen = Screen("/field_without_attribute", Page(cards=needs(cards)), apps=(app,))
