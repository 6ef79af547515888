"""What users are told, and the banners for each kind of them."""

from backends.seed.words import TIERS
from backends.store import Row
from backends.web import Ask, Refused, Table, page

AUDIENCES = ("GUEST", *TIERS)


def notifications(ask: Ask) -> object:
    """A user's, newest first; `unread=true` gives only those."""
    user, limit, unread = ask.key("user"), ask.limit(), ask.text("unread", "false")
    ask.only(str(user))
    if unread not in ("true", "false"):
        raise Refused(422, "unread must be true or false")
    sql = "SELECT * FROM notifications WHERE user_id = ? AND id < ? AND is_read <= ? ORDER BY id DESC LIMIT ?"
    rows = ask.store.rows(sql, user, ask.cursor() or 2**62, int(unread == "false"), limit + 1)
    return page(rows, limit, shown)


def read(ask: Ask) -> object:
    number = ask.id()
    row = ask.store.one("SELECT * FROM notifications WHERE id = ?", number)
    if row is None:
        raise Refused(404, f"no notification {number}")
    ask.only(str(row["user_id"]), f"notification {number}")
    ask.store.write("UPDATE notifications SET is_read = 1 WHERE id = ?", number)
    return {**shown(row), "is_read": True}


def banners(ask: Ask) -> object:
    audience = ask.text("audience")
    if audience not in AUDIENCES:
        raise Refused(422, f"audience must be one of {', '.join(AUDIENCES)}")
    rows = ask.store.rows("SELECT * FROM banners WHERE audience = ? ORDER BY id", audience)
    items = [
        {
            "id": str(row["id"]),
            "audience": row["audience"],
            "title": row["title"],
            "text": row["text"],
            "link": row["link"],
        }
        for row in rows
    ]
    return {"items": items, "next": None}


def shown(row: Row) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "user_id": str(row["user_id"]),
        "kind": row["kind"],
        "title": row["title"],
        "text": row["text"],
        "link": row["link"],
        "created_at": row["made_at"],
        "is_read": bool(row["is_read"]),
    }


TABLE: Table = {
    "GET /notifications": notifications,
    "POST /notifications/{id}/read": read,
    "GET /banners": banners,
}
