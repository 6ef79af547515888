"""Deliveries: who brings an order, where they are, when they will be there. Couriers move as time passes."""

import math
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from backends.grpc_service import Asked, GrpcService, Method
from backends.store import Row
from backends.web import BATCH, Refused, World, is_id, now

PROTO = Path(__file__).with_name("delivery.proto")
STATUSES = ("ASSIGNED", "WAITING", "UNDER_WAY", "DELIVERED")
BETWEEN_STEPS = timedelta(minutes=8)
OFFSET = (0.003, -0.004)  # how far from home, in degrees, a courier starts
ON_FOOT, METRES_A_SECOND, COOKING = 1.3, 5.5, 900  # streets are longer than the air line; seconds to cook

T = TypeVar("T")


class Position(msgspec.Struct):
    lat: float
    lon: float


class OrderId(msgspec.Struct):
    order_id: str


class OrderIds(msgspec.Struct):
    order_ids: list[str]


class Id(msgspec.Struct):
    id: str


class Way(msgspec.Struct):
    restaurant_id: str
    to: Position


class Location(msgspec.Struct):
    latitude: float
    longitude: float


class Assignment(msgspec.Struct):
    order_id: str
    customer_name: str
    delivery_location: Location
    delivery_instructions: str = ""


class Deliveries:
    """The methods of thali.delivery.v1.Delivery."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._began = time.monotonic()

    def methods(self) -> Mapping[str, Method]:
        return {
            "Track": self.track,
            "TrackMany": self.track_many,
            "Courier": self.courier,
            "Estimate": self.estimate,
            "Assign": self.assign,
        }

    def track(self, asked: Asked) -> dict[str, object]:
        order = self._order(asked, read(asked, OrderId).order_id)
        return self._shown(self._found("deliveries", "order_id", str(order["id"])))

    def track_many(self, asked: Asked) -> dict[str, object]:
        keys = read(asked, OrderIds).order_ids
        if not 1 <= len(keys) <= BATCH:
            raise Refused(422, f"order_ids must be 1 to {BATCH}, not {len(keys)}")
        sql = "SELECT deliveries.*, user_id FROM deliveries JOIN orders ON orders.id = order_id WHERE order_id IN (?)"
        rows = self._store.among(sql, [int(key) for key in keys if is_id(key)])
        return {"deliveries": [self._shown(row) for row in rows if asked.asker.may(str(row["user_id"]))]}

    def courier(self, asked: dict[str, object]) -> dict[str, object]:
        row = self._found("couriers", "id", read(asked, Id).id)
        return {
            "id": str(row["id"]),
            "name": row["name"],
            "phone": row["phone"],
            "vehicle": row["vehicle"],
            "rating": row["rating"],
        }

    def estimate(self, asked: dict[str, object]) -> dict[str, object]:
        way = read(asked, Way)
        metres = self._metres(way.restaurant_id, way.to)
        return {"eta_seconds": seconds(metres), "distance_m": metres}

    def assign(self, asked: Asked) -> dict[str, object]:
        """Give an order a courier; asked again, it is the delivery that the order has. An order that is cancelled gets none."""
        wanted = read(asked, Assignment)
        to = Position(wanted.delivery_location.latitude, wanted.delivery_location.longitude)
        order = self._order(asked, wanted.order_id)
        if order["status"] == "CANCELLED":
            raise Refused(404, f"order {wanted.order_id} is cancelled")
        [couriers] = self._store.rows("SELECT COUNT(*) AS count FROM couriers")
        self._store.write(
            "INSERT OR IGNORE INTO deliveries VALUES (?, ?, 'ASSIGNED', ?, ?, ?, ?, ?, ?)",
            order["id"], order["id"] % couriers["count"] + 1, now(), seconds(self._metres(str(order["restaurant_id"]), to)),
            to.lat + OFFSET[0], to.lon + OFFSET[1], wanted.customer_name, wanted.delivery_instructions,
        )  # fmt: skip
        row = self._found("deliveries", "order_id", wanted.order_id)
        return {
            "order_reference": str(order["id"]),
            "eta": later(row["started_at"], row["eta_seconds"]),
            "current_status": row["status"],
        }

    def _order(self, asked: Asked, key: str) -> Row:
        """An order of who asks; another's is as missing as one that does not exist."""
        row = self._store.one("SELECT * FROM orders WHERE id = ?", int(key)) if is_id(key) else None
        if row is None:
            raise Refused(404, f"no order {key}")
        asked.asker.only(str(row["user_id"]), f"order {key}")
        return row

    def _metres(self, restaurant_id: str, to: Position) -> int:
        row = self._found("restaurants", "id", restaurant_id)
        return round(distance(row["lat"], row["lon"], to))

    def _found(self, table: str, column: str, key: str) -> Row:
        row = self._store.one(f"SELECT * FROM {table} WHERE {column} = ?", int(key)) if is_id(key) else None
        if row is None:
            raise Refused(404, f"nothing in {table} of {column} {key!r}")
        return row

    def _shown(self, row: Row) -> dict[str, object]:
        """A delivery now. One under way begins anew when it has arrived, so that the demo never runs out of them."""
        part, eta = 0.0, row["eta_seconds"]
        if row["status"] == "UNDER_WAY":
            gone = (time.monotonic() - self._began) % eta
            part, eta = gone / eta, math.ceil(eta - gone)
        return {
            "order_id": str(row["order_id"]),
            "status": row["status"],
            "courier_id": str(row["courier_id"]),
            "eta_seconds": eta,
            "position": {
                "lat": round(row["lat"] - OFFSET[0] * part, 5),
                "lon": round(row["lon"] - OFFSET[1] * part, 5),
            },
            "steps": steps(row["status"], row["started_at"]),
        }


def steps(status: str, started_at: str) -> list[dict[str, object]]:
    """What a delivery has come through so far, with the time of each."""
    passed = STATUSES[: STATUSES.index(status) + 1]
    times = [later(started_at, position * BETWEEN_STEPS.total_seconds()) for position in range(len(passed))]
    return [{"status": step, "at": at} for step, at in zip(passed, times, strict=True)]


def later(moment: str, seconds: float) -> str:
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(metres: int) -> int:
    """From the order to the door."""
    return COOKING + round(metres * ON_FOOT / METRES_A_SECOND)


def distance(lat: float, lon: float, to: Position) -> float:
    """Metres by air; a city is flat."""
    north = (to.lat - lat) * 111_320
    east = (to.lon - lon) * 111_320 * math.cos(math.radians(lat))
    return math.hypot(north, east)


def read(asked: dict[str, object], kind: type[T]) -> T:
    """A request as `kind`; a message that is missing in it is INVALID_ARGUMENT."""
    try:
        return msgspec.convert(asked, kind)
    except msgspec.ValidationError as error:
        raise Refused(422, str(error)) from error


def service(world: World) -> GrpcService:
    return GrpcService("delivery", PROTO, Deliveries(world).methods())
