"""What the services share on the wire."""

import msgspec


class Money(msgspec.Struct, frozen=True):
    """Minor units (cents) and a currency (ISO 4217)."""

    amount: int
    currency: str


class Wanted(msgspec.Struct, frozen=True):
    """So much of a dish."""

    dish_id: str
    quantity: int


class Position(msgspec.Struct, frozen=True):
    lat: float
    lon: float
