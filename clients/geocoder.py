"""Places."""

import msgspec

from bff import Client
from clients.money import Position


class Area(msgspec.Struct):
    name: str
    postcode: str
    position: Position
    radius_m: int


class Place(msgspec.Struct):
    label: str
    area: str
    position: Position


class Geocoder(Client, service="geocoder"):
    """Where something is."""

    async def find(self, text: str) -> Place:
        """The place of an address; Missing when there is no such address in the city."""
        return await self.get("/geocode", Place, text=text)

    async def area(self, name: str) -> Area:
        return await self.get("/areas/{name}", Area, name=name)
