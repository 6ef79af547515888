"""Areas, restaurants, their dishes and promotions."""

import random
import sqlite3

from backends.seed import words


def add_restaurants(connection: sqlite3.Connection, rng: random.Random) -> None:
    """Areas, 500 restaurants and the promotions of some."""
    connection.executemany("INSERT INTO areas VALUES (?, ?, ?, ?)", [(a.name, a.lat, a.lon, a.postcode) for a in words.AREAS])
    ranks = rng.sample(range(1, words.RESTAURANTS + 1), words.RESTAURANTS)
    connection.executemany(
        "INSERT INTO restaurants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [restaurant(number, rank, rng) for number, rank in enumerate(ranks, start=1)],
    )
    chosen = connection.execute("SELECT id, area, name FROM restaurants WHERE rank <= 120 ORDER BY id").fetchall()
    for number, area, name in chosen:
        percent = rng.choice((10, 15, 20, 30))
        connection.execute(
            "INSERT INTO promotions (area, restaurant_id, title, percent, code, ends_at) VALUES (?, ?, ?, ?, ?, ?)",
            (
                area,
                number,
                f"{percent} % off at {name}",
                percent,
                f"THALI{number}",
                words.ago(days=-rng.randint(2, 30)),
            ),
        )


def restaurant(number: int, rank: int, rng: random.Random) -> tuple[object, ...]:
    area = rng.choice(words.AREAS)
    cuisine = rng.choice(tuple(words.CUISINES))
    name = f"{rng.choice(words.KINDS)} {cuisine.title()} {rng.choice(words.KITCHENS)}"
    opens, minutes = rng.choice((8, 10, 11, 12)), rng.randrange(15, 45, 5)
    return (
        number, rank, name, cuisine, area.name,
        round(area.lat + rng.uniform(-0.012, 0.012), 5), round(area.lon + rng.uniform(-0.02, 0.02), 5),
        rng.choice((0, 99, 199, 249, 349)), words.CURRENCY, f"{opens:02}:00", f"{rng.choice((21, 22, 23))}:30",
        rng.randint(1, 4), minutes, minutes + 15,
    )  # fmt: skip


def add_dishes(connection: sqlite3.Connection, rng: random.Random) -> None:
    """Sixteen dishes a restaurant, four a category, and what is left of each."""
    rows: list[tuple[object, ...]] = []
    for number, cuisine, level in connection.execute("SELECT id, cuisine, price_level FROM restaurants ORDER BY id").fetchall():
        menu = {
            "STARTERS": words.STARTERS,
            "MAINS": words.CUISINES[cuisine],
            "SIDES": words.SIDES,
            "DESSERTS": words.DESSERTS,
        }
        for category, names in menu.items():
            for name in rng.sample(names, 4):
                base = 900 if category == "MAINS" else 350
                price = base + 150 * level + rng.randrange(0, 300, 10)
                text = f"{name}, {rng.choice(('fresh every day', 'as grandmother made it', 'mild', 'spicy', 'to share'))}"
                rows.append((number, category, name, text, price, words.CURRENCY, int(rng.random() < 0.4)))
    connection.executemany(
        "INSERT INTO dishes (restaurant_id, category, name, description, price, currency, vegetarian)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    left = [(dish, 0 if rng.random() < 0.02 else rng.randint(5, 60)) for dish in range(1, len(rows) + 1)]
    connection.executemany("INSERT INTO stock VALUES (?, ?)", left)
