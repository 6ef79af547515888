"""Ordering at the demo: what is sent, what the services' books say after it, and what may happen to each service."""

from dataclasses import dataclass

from backends.running import Backends
from backends.store import Store
from bff.testing import Fault

RESTAURANT, DISH, QUANTITY = "1", "1", 2
ADDRESS = "Oranienstraße 1, 10999 Kreuzberg"
SEEDED = 30_000  # orders and payments: what has a higher id was made by a test

# Before it did anything, without an answer, and two ways to do it and not to tell.
FAILS = Fault("status", status=500)
HANGS = Fault("hang")
BREAKS = Fault("reset_midway")
DRIPS = Fault("drip", bytes_per_second=1)

# The services in the order of their steps: (service, path, its step or "" before anything is written).
READS = [
    ("users", "/users/{user}", ""),
    ("geocoder", "/geocode", ""),
    ("payments", "/methods", ""),
    ("orders", "/orders/quote", ""),
]
WRITES = [
    ("inventory", "/reserve", "stock"),
    ("payments", "/charge", "payment"),
    ("orders", "/orders", "order"),
    ("delivery", "/thali.delivery.v1.Delivery/Assign", "delivery"),
]


@dataclass(frozen=True)
class Customer:
    """Somebody with a way to pay."""

    id: str
    method: str


def customer(backends: Backends, number: int) -> Customer:
    row = backends.world.store.one("SELECT id FROM methods WHERE user_id = ? ORDER BY id", number)
    assert row is not None
    return Customer(str(number), str(row["id"]))


@dataclass(frozen=True)
class Books:
    """What is there of one customer's orders, and of everybody's stock."""

    orders: tuple[str, ...]  # the status of each
    payments: tuple[str, ...]
    deliveries: int
    held: int  # of all dishes
    available: int

    @property
    def standing(self) -> tuple[str, ...]:
        """What has not been undone."""
        return (
            *(status for status in self.orders if status != "CANCELLED"),
            *(status for status in self.payments if status != "REFUNDED"),
            *("delivery" for _ in range(self.deliveries)),
        )


def books(store: Store, user: str) -> Books:
    def column(sql: str, *values: str) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in store.rows(sql, *values))

    ours = f"SELECT id FROM orders WHERE user_id = ? AND id > {SEEDED}"
    return Books(
        orders=column(f"SELECT status FROM orders WHERE id IN ({ours}) ORDER BY id", user),
        payments=column(
            "SELECT status FROM payments WHERE method_id IN (SELECT id FROM methods WHERE user_id = ?)"
            f" AND id > {SEEDED} ORDER BY id",
            user,
        ),
        deliveries=int(column(f"SELECT COUNT(*) FROM deliveries WHERE order_id IN ({ours})", user)[0]),
        held=int(
            column(
                "SELECT COALESCE(SUM(quantity), 0) FROM reserved JOIN reservations ON id = reservation_id WHERE status = 'HELD'"
            )[0]
        ),
        available=int(column("SELECT SUM(available) FROM stock")[0]),
    )
