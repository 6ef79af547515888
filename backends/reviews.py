"""Reviews and what they sum up to. An author is a user's id and no more."""

import msgspec

from backends.once import Once
from backends.store import Row
from backends.web import Ask, Refused, Table, now, page
from bff.testing.stub import StubReply

LONGEST = 2_000  # characters
ONCE = Once("review")


class NewReview(msgspec.Struct):
    restaurant_id: str
    user_id: str
    rating: int
    text: str = ""
    order_id: str | None = None


def ratings(ask: Ask) -> object:
    rows = ask.store.among("SELECT * FROM ratings WHERE restaurant_id IN (?)", ask.keys("restaurant"))
    return [
        {
            "restaurant_id": str(row["restaurant_id"]),
            "average": round(row["total"] / row["count"], 2),
            "count": row["count"],
        }
        for row in rows
    ]


def reviews(ask: Ask) -> object:
    """Those of a restaurant or by a user, newest first."""
    column = "restaurant" if "restaurant" in ask.request.query else "user"
    key, limit = ask.key(column), ask.limit()
    sql = f"SELECT * FROM reviews WHERE {column}_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
    return page(ask.store.rows(sql, key, ask.cursor() or 2**62, limit + 1), limit, shown)


def write(ask: Ask) -> object:
    """Write a review once: the same Idempotency-Key and body again give the same review."""
    new = ask.json(NewReview)
    ask.only(new.user_id)
    if (known := ONCE.earlier(ask)) is not None:
        return review(ask, known)
    if not 1 <= new.rating <= 5 or len(new.text) > LONGEST:
        raise Refused(422, f"rating must be 1 to 5 and text at most {LONGEST} characters")
    for table, key in (("restaurants", new.restaurant_id), ("users", new.user_id)):
        if not ask.exists(table, key):
            raise Refused(422, f"no such one among {table}: {key}")
    if new.order_id is not None:
        delivered(ask, new)
    number = ask.store.write(
        "INSERT INTO reviews (restaurant_id, user_id, rating, text, made_at) VALUES (?, ?, ?, ?, ?)",
        new.restaurant_id, new.user_id, new.rating, new.text, now(),
    )  # fmt: skip
    ask.store.write(
        "INSERT INTO ratings VALUES (?, ?, 1)"
        " ON CONFLICT DO UPDATE SET total = total + excluded.total, count = count + 1",
        new.restaurant_id, new.rating,
    )  # fmt: skip
    ONCE.made(ask, number)
    return StubReply.json(review(ask, number), 201)


def delivered(ask: Ask, new: NewReview) -> None:
    """Only who has eaten may say how it was."""
    sql = "SELECT status FROM orders WHERE id = ? AND user_id = ? AND restaurant_id = ?"
    row = ask.store.one(sql, new.order_id, new.user_id, new.restaurant_id)
    if row is None:
        raise Refused(422, f"no order {new.order_id} of user {new.user_id} at restaurant {new.restaurant_id}")
    if row["status"] != "DELIVERED":
        raise Refused(409, f"an order that is {row['status']} cannot be rated")


def review(ask: Ask, number: int) -> dict[str, object]:
    [row] = ask.store.rows("SELECT * FROM reviews WHERE id = ?", number)
    return shown(row)


def shown(row: Row) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "restaurant_id": str(row["restaurant_id"]),
        "user_id": str(row["user_id"]),
        "rating": row["rating"],
        "text": row["text"],
        "created_at": row["made_at"],
    }


TABLE: Table = {"GET /ratings": ratings, "GET /reviews": reviews, "POST /reviews": write}
