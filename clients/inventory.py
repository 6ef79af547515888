"""What is left of each dish."""

import msgspec

from bff import BackendStatus, Client, batched
from clients.money import Wanted


class _Stock(msgspec.Struct):
    dish_id: str
    available: int


class _Lines(msgspec.Struct):
    lines: list[Wanted]


class _Reservation(msgspec.Struct):
    reservation_id: str


class _Released(msgspec.Struct):
    reservation_id: str | None = None


class _Release(msgspec.Struct, omit_defaults=True):
    reservation_id: str | None = None
    key: str | None = None


class _Short(msgspec.Struct):
    dish_ids: list[str]


def short_of(error: BackendStatus) -> list[str]:
    """The dishes that a reservation failed for; empty when it failed for something else."""
    try:
        return msgspec.json.decode(error.body, type=_Short).dish_ids if error.status == 409 else []
    except msgspec.DecodeError:
        return []


class Inventory(Client, service="inventory"):
    """How much of a dish can still be ordered, and keeping it for an order."""

    @batched(max_size=100)  # the service's own limit
    async def available(self, dish_ids: list[str]) -> dict[str, int]:
        found = await self.get("/stock", list[_Stock], dish=dish_ids)
        return {stock.dish_id: stock.available for stock in found}

    async def reserve(self, lines: list[Wanted], key: str) -> str:
        """The id of the reservation. BackendStatus 409 when there is too little of something: see `short_of`."""
        made = await self.post("/reserve", _Reservation, _Lines(lines), idempotency_key=key)
        return made.reservation_id

    async def release(self, reservation_id: str) -> None:
        """Put back what was reserved; again is the same."""
        await self.post("/release", _Released, _Release(reservation_id), idempotency_key=reservation_id)

    async def release_key(self, key: str) -> None:
        """Put back whatever was reserved under `key`; a reservation that is still on its way with it takes nothing."""
        await self.post("/release", _Released, _Release(key=key), idempotency_key=key)
