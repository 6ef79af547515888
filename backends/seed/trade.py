"""Couriers, and 30,000 orders with their lines, payments and deliveries; ids grow with time."""

import random
import sqlite3
from dataclasses import dataclass

from backends.seed import words

ACTIVE = 200  # orders that are under way at the seed's now
HOURS = 24 * 365
HOMES = "SELECT user_id, street || ', ' || postcode || ' ' || area, lat, lon FROM addresses WHERE is_default"
DELIVERY_OF = {"PLACED": "ASSIGNED", "PREPARING": "WAITING", "ON_THE_WAY": "UNDER_WAY", "DELIVERED": "DELIVERED"}


@dataclass(frozen=True, slots=True)
class Draft:
    """An order before it has its number."""

    hours_ago: float
    user: int
    status: str


def add_couriers(connection: sqlite3.Connection, rng: random.Random) -> None:
    connection.executemany(
        "INSERT INTO couriers VALUES (?, ?, ?, ?, ?)",
        [
            (
                number, f"{rng.choice(words.FIRST)} {rng.choice(words.LAST)}", f"+49 151 {rng.randint(10**6, 10**7)}",
                rng.choice(("BICYCLE", "SCOOTER", "CAR")), round(rng.uniform(3.8, 5.0), 1),
            )
            for number in range(1, words.COURIERS + 1)
        ],
    )  # fmt: skip


def drafts(rng: random.Random) -> list[Draft]:
    """Who ordered when, oldest first. Ada has fourteen orders, one of them on its way to her."""
    others = [user for user in range(1, words.USERS + 1) if user != words.ADA]
    made = [Draft(0.45, words.ADA, "ON_THE_WAY")]
    made += [Draft(20 + 300 * n, words.ADA, "CANCELLED" if n == 5 else "DELIVERED") for n in range(13)]
    made += [
        Draft(rng.uniform(0.02, 0.8), rng.choice(others), rng.choice(("PLACED", "PREPARING", "ON_THE_WAY")))
        for _ in range(ACTIVE - 1)
    ]
    while len(made) < words.ORDERS:
        status = "CANCELLED" if rng.random() < 0.04 else "DELIVERED"
        made.append(Draft(rng.uniform(1.5, HOURS), rng.choice(others), status))
    return sorted(made, key=lambda draft: -draft.hours_ago)


def add_orders(connection: sqlite3.Connection, rng: random.Random) -> None:
    menus: dict[int, list[tuple[int, str, int]]] = {}
    for restaurant, dish, name, price in connection.execute("SELECT restaurant_id, id, name, price FROM dishes"):
        menus.setdefault(restaurant, []).append((dish, name, price))
    fees = dict(connection.execute("SELECT id, fee FROM restaurants").fetchall())
    names = dict(connection.execute("SELECT id, name FROM users").fetchall())
    homes = {user: row for user, *row in connection.execute(HOMES)}
    methods = dict(connection.execute("SELECT user_id, id FROM methods WHERE is_default").fetchall())
    orders, lines, payments, deliveries = [], [], [], []
    for number, draft in enumerate(drafts(rng), start=1):
        restaurant, placed = rng.randint(1, words.RESTAURANTS), words.ago(hours=draft.hours_ago)
        chosen = [
            (dish, name, rng.randint(1, 3), price) for dish, name, price in rng.sample(menus[restaurant], rng.randint(1, 4))
        ]
        subtotal = sum(quantity * price for _, _, quantity, price in chosen)
        address, lat, lon = homes[draft.user]
        wish = rng.choice(("", "", "Ring twice", "Leave at the door"))
        orders.append(
            (
                number, draft.user, restaurant, draft.status, placed, words.CURRENCY, subtotal, fees[restaurant],
                len(chosen), address, wish, number, None,
            )
        )  # fmt: skip
        lines += [(number, position, *line) for position, line in enumerate(chosen)]
        paid = "REFUNDED" if draft.status == "CANCELLED" else "CAPTURED"
        payments.append((number, number, methods[draft.user], subtotal + fees[restaurant], words.CURRENCY, paid, placed))
        if draft.status in DELIVERY_OF:
            eta = 0 if draft.status == "DELIVERED" else rng.randint(180, 2400)
            deliveries.append((number, rng.randint(1, words.COURIERS), DELIVERY_OF[draft.status], placed, eta,
                               round(lat + 0.003, 5), round(lon - 0.004, 5), names[draft.user], wish))  # fmt: skip
    connection.executemany(f"INSERT INTO orders VALUES ({','.join('?' * 13)})", orders)
    connection.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)", lines)
    connection.executemany("INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?)", payments)
    connection.executemany("INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", deliveries)
