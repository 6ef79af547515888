"""What is left of each dish."""

import msgspec

from bff import Client, batched


class _Stock(msgspec.Struct):
    dish_id: str
    available: int


class Inventory(Client, service="inventory"):
    """How much of a dish can still be ordered."""

    @batched(max_size=100)  # the service's own limit
    async def available(self, dish_ids: list[str]) -> dict[str, int]:
        found = await self.get("/stock", list[_Stock], dish=dish_ids)
        return {stock.dish_id: stock.available for stock in found}
