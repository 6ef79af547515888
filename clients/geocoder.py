"""Places."""

import msgspec

from bff import Client
from clients.money import Position


class Area(msgspec.Struct):
    name: str
    postcode: str
    position: Position
    radius_m: int


class Geocoder(Client, service="geocoder"):
    """What an area of the city is."""

    async def area(self, name: str) -> Area:
        return await self.get("/areas/{name}", Area, name=name)
