"""Delivery: the service that speaks gRPC, by delivery.proto beside this file."""

from datetime import datetime

import msgspec

from bff import Client, batched
from clients.money import Position


class _Track(msgspec.Struct):
    order_id: str


class _Courier(msgspec.Struct):
    id: str


class _TrackMany(msgspec.Struct):
    order_ids: list[str]


class Progress(msgspec.Struct):
    order_id: str
    status: str
    courier_id: str = ""
    eta_seconds: int = 0
    position: Position | None = None


class _Deliveries(msgspec.Struct):
    deliveries: list[Progress] = []


class Courier(msgspec.Struct):
    id: str
    name: str
    phone: str
    vehicle: str
    rating: float


class Location(msgspec.Struct):
    latitude: float
    longitude: float


class Assignment(msgspec.Struct):
    order_id: str
    customer_name: str
    delivery_location: Location
    delivery_instructions: str


class Assigned(msgspec.Struct):
    order_reference: str
    eta: datetime
    current_status: str


class Delivery(Client, service="delivery", proto="delivery.proto"):
    """Where an order is, and who brings it."""

    async def track(self, order_id: str) -> Progress:
        return await self.rpc("/thali.delivery.v1.Delivery/Track", Progress, _Track(order_id))

    @batched(max_size=100)  # the service's own limit
    async def progress(self, order_ids: list[str]) -> dict[str, Progress]:
        found = await self.rpc("/thali.delivery.v1.Delivery/TrackMany", _Deliveries, _TrackMany(order_ids))
        return {progress.order_id: progress for progress in found.deliveries}

    async def courier(self, courier_id: str) -> Courier:
        return await self.rpc("/thali.delivery.v1.Delivery/Courier", Courier, _Courier(courier_id))

    async def assign(self, assignment: Assignment) -> Assigned:
        """Give an order a courier; the same order again has the same delivery."""
        return await self.rpc("/thali.delivery.v1.Delivery/Assign", Assigned, assignment)
