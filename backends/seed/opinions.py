"""Reviews with their sums, and what the notifications service says."""

import random
import sqlite3

from backends.seed import words

TELLS = (
    ("ORDER", "Your order is on its way", "The courier has picked it up.", "/orders"),
    ("PROMOTION", "20 % off tonight", "At three places near you.", "/promotions"),
    ("RATE", "How was it?", "Tell others about your last order.", "/orders"),
    ("ACCOUNT", "Your card expires soon", "Add a new one to keep ordering.", "/account"),
    ("PROMOTION", "Free delivery this week", "From all places with four stars.", "/promotions"),
)
BANNERS = (
    ("GUEST", "Your first meal", "Sign up and save 5 €.", "/signup"),
    ("GUEST", "The city's kitchens", "500 places, one plate.", "/search"),
    ("BRONZE", "Two orders to silver", "Silver members pay half the fee.", "/account"),
    ("SILVER", "Silver Sundays", "No delivery fee on Sundays.", "/promotions"),
    ("GOLD", "Gold table", "Chefs' menus only for you.", "/search?cuisine=ITALIAN"),
    ("GOLD", "No fees for gold", "All month, everywhere.", "/promotions"),
)


def add_reviews(connection: sqlite3.Connection, rng: random.Random) -> None:
    """60,000 reviews, oldest first; Ada wrote some. Sums stand in `ratings`, for a batch must not count rows."""
    rows = []
    for number in range(1, words.REVIEWS + 1):
        rating = rng.choices((1, 2, 3, 4, 5), (4, 6, 15, 35, 40))[0]
        first, second = rng.sample(words.PRAISE if rating > 2 else words.COMPLAINT, 2)
        author = words.ADA if number % 7500 == 0 else rng.randint(1, words.USERS)
        age = words.ago(minutes=(words.REVIEWS - number) * 8 + 90)
        rows.append((number, rng.randint(1, words.RESTAURANTS), author, rating, f"{first}. {second}.", age))
    connection.executemany("INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("INSERT INTO ratings SELECT restaurant_id, SUM(rating), COUNT(*) FROM reviews GROUP BY restaurant_id")


def add_notifications(connection: sqlite3.Connection, rng: random.Random) -> None:
    """Up to five a user, of which Ada has not read three; and the banners."""
    rows = []
    for user in range(1, words.USERS + 1):
        ada = user == words.ADA
        for position, tell in enumerate(TELLS if ada else rng.sample(TELLS, rng.randint(0, 5))):
            unread = position < 3 if ada else rng.random() < 0.3
            rows.append((user, *tell, words.ago(hours=1 + 30 * position), int(not unread)))
    rows.sort(key=lambda row: row[5])  # ids grow with time
    connection.executemany(
        "INSERT INTO notifications (user_id, kind, title, text, link, made_at, is_read) VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    connection.executemany("INSERT INTO banners (audience, title, text, link) VALUES (?, ?, ?, ?)", BANNERS)
