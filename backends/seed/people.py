"""Users with their addresses, favourites and ways to pay. Everybody's password is `thali`."""

import hashlib
import random
import sqlite3

from backends.seed import words

PASSWORD = "thali"


def hashed(password: str, salt: str) -> str:
    """The stored form of a password; the cost is kept small because 2,000 are made at once, none of them real."""
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=256, r=8, p=1, dklen=32).hex()


def add_users(connection: sqlite3.Connection, rng: random.Random) -> None:
    """2,000 users; number 7 is Ada Lovelace, who has something of everything."""
    for number in range(1, words.USERS + 1):
        ada = number == words.ADA
        name = "Ada Lovelace" if ada else f"{rng.choice(words.FIRST)} {rng.choice(words.LAST)}"
        tier = "GOLD" if ada else rng.choices(words.TIERS, (6, 3, 1))[0]
        salt = f"{rng.getrandbits(64):016x}"
        connection.execute(
            "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number, "ada@example.com" if ada else f"user{number}@example.com", name,
                f"+49 30 {rng.randint(1_000_000, 9_999_999)}", tier, rng.choice(("en", "de")) if not ada else "en",
                salt, hashed(PASSWORD, salt), words.ago(days=rng.randint(30, 1500)),
            ),
        )  # fmt: skip
        add_addresses(connection, rng, number, 2 if ada else rng.randint(1, 2))
        for restaurant in rng.sample(range(1, words.RESTAURANTS + 1), 6 if ada else rng.randint(0, 8)):
            added = words.ago(days=rng.randint(1, 300))
            connection.execute("INSERT INTO favourites VALUES (?, ?, ?)", (number, restaurant, added))
        add_methods(connection, rng, number, 3 if ada else rng.randint(1, 3))


def add_addresses(connection: sqlite3.Connection, rng: random.Random, user: int, count: int) -> None:
    for label in ("HOME", "WORK")[:count]:
        area = words.AREAS[1] if user == words.ADA and label == "HOME" else rng.choice(words.AREAS)
        connection.execute(
            "INSERT INTO addresses (user_id, label, street, area, postcode, lat, lon, is_default)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                user, label, f"{rng.choice(words.STREETS)} {rng.randint(1, 150)}", area.name, area.postcode,
                round(area.lat + rng.uniform(-0.008, 0.008), 5), round(area.lon + rng.uniform(-0.012, 0.012), 5),
                int(label == "HOME"),
            ),
        )  # fmt: skip


def add_methods(connection: sqlite3.Connection, rng: random.Random, user: int, count: int) -> None:
    """Ways to pay; the first is the default one."""
    choices = (("CARD", "Visa"), ("PAYPAL", "PayPal"), ("CARD", "Mastercard"))
    for position, (kind, label) in enumerate(choices[:count]):
        last4 = f"{rng.randint(1000, 9999)}" if kind == "CARD" else ""
        expires = f"{rng.randint(2027, 2031)}-{rng.randint(1, 12):02}" if kind == "CARD" else ""
        connection.execute(
            "INSERT INTO methods (user_id, kind, label, last4, expires, is_default) VALUES (?, ?, ?, ?, ?, ?)",
            (user, kind, label, last4, expires, int(position == 0)),
        )
