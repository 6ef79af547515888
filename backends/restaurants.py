"""Restaurants, their menus and promotions, and who is recommended to whom."""

from backends.pictures import picture
from backends.seed.words import CUISINES, TIERS
from backends.store import Row
from backends.web import Ask, Refused, Table, money, page

LEVELS = {"BRONZE": (1, 2), "SILVER": (1, 2, 3), "GOLD": (3, 4)}  # price levels recommended to a tier
MENU = ("STARTERS", "MAINS", "SIDES", "DESSERTS")
TITLES = {category: category.title() for category in MENU}


def restaurant(ask: Ask) -> object:
    return shown(found(ask))


def restaurants(ask: Ask) -> object:
    return [shown(row) for row in ask.store.among("SELECT * FROM restaurants WHERE id IN (?)", ask.keys("id"))]


def near(ask: Ask) -> object:
    sql = "SELECT * FROM restaurants WHERE area = ? ORDER BY rank LIMIT ?"
    return listed(ask.store.rows(sql, ask.text("area"), ask.limit()))


def popular(ask: Ask) -> object:
    return listed(ask.store.rows("SELECT * FROM restaurants ORDER BY rank LIMIT ?", ask.limit()))


def recommended(ask: Ask) -> object:
    tier, limit = ask.text("user_tier"), ask.limit()
    if tier not in LEVELS:
        raise Refused(422, f"user_tier must be one of {', '.join(TIERS)}")
    sql = f"SELECT * FROM restaurants WHERE price_level IN (?) ORDER BY rank LIMIT {limit}"
    return listed(ask.store.among(sql, LEVELS[tier]))


def search(ask: Ask) -> object:
    """By words of the name (any case) and cuisines, best ranked first."""
    limit, cuisines = ask.limit(), ask.texts("cuisine")
    if unknown := [cuisine for cuisine in cuisines if cuisine not in CUISINES]:
        raise Refused(422, f"no cuisine {unknown[0]}")
    sql = "SELECT * FROM restaurants WHERE rank > ? AND name LIKE ? ESCAPE '\\'"
    if cuisines:
        sql += f" AND cuisine IN ({','.join('?' * len(cuisines))})"
    words = ask.text("q", "").replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    rows = ask.store.rows(f"{sql} ORDER BY rank LIMIT ?", ask.cursor() or 0, f"%{words}%", *cuisines, limit + 1)
    return page(rows, limit, shown, key="rank")


def menu(ask: Ask) -> object:
    row = found(ask)
    dishes = ask.store.rows("SELECT * FROM dishes WHERE restaurant_id = ? ORDER BY id", row["id"])
    categories = [
        {
            "id": category,
            "title": title,
            "dishes": [dish_shown(dish) for dish in dishes if dish["category"] == category],
        }
        for category, title in TITLES.items()
    ]
    return {"restaurant_id": str(row["id"]), "categories": categories}


def dishes(ask: Ask) -> object:
    return [dish_shown(row) for row in ask.store.among("SELECT * FROM dishes WHERE id IN (?)", ask.keys("id"))]


def cuisines(ask: Ask) -> object:
    rows = ask.store.rows("SELECT cuisine, COUNT(*) AS count FROM restaurants GROUP BY cuisine ORDER BY cuisine")
    items = [{"id": row["cuisine"], "title": row["cuisine"].title(), "restaurants": row["count"]} for row in rows]
    return {"items": items, "next": None}


def promotions(ask: Ask) -> object:
    sql = "SELECT * FROM promotions WHERE area = ? ORDER BY percent DESC, id LIMIT ?"
    items = [
        {
            "id": str(row["id"]),
            "restaurant_id": str(row["restaurant_id"]),
            "title": row["title"],
            "percent": row["percent"],
            "code": row["code"],
            "ends_at": row["ends_at"],
        }
        for row in ask.store.rows(sql, ask.text("area"), ask.limit())
    ]
    return {"items": items, "next": None}


def found(ask: Ask) -> Row:
    row = ask.store.one("SELECT * FROM restaurants WHERE id = ?", ask.id())
    if row is None:
        raise Refused(404, f"no restaurant {ask.path['id']}")
    return row


def listed(rows: list[Row]) -> object:
    return {"items": [shown(row) for row in rows], "next": None}


def shown(row: Row) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "cuisine": row["cuisine"],
        "area": row["area"],
        "position": {"lat": row["lat"], "lon": row["lon"]},
        "delivery_fee": money(row["fee"], row["currency"]),
        "delivery_minutes": {"min": row["minutes_min"], "max": row["minutes_max"]},
        "hours": {"opens": row["opens"], "closes": row["closes"]},
        "price_level": row["price_level"],
        "picture_url": f"/pictures/{row['id']}.jpg",
    }


def dish_shown(row: Row) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "restaurant_id": str(row["restaurant_id"]),
        "category": row["category"],
        "name": row["name"],
        "description": row["description"],
        "price": money(row["price"], row["currency"]),
        "is_vegetarian": bool(row["vegetarian"]),
        "picture_url": f"/pictures/{1000 + row['id']}.jpg",
    }


TABLE: Table = {
    "GET /restaurants": restaurants,
    "GET /restaurants/near": near,
    "GET /restaurants/popular": popular,
    "GET /restaurants/recommended": recommended,
    "GET /restaurants/search": search,
    "GET /restaurants/{id}": restaurant,
    "GET /restaurants/{id}/menu": menu,
    "GET /dishes": dishes,
    "GET /cuisines": cuisines,
    "GET /promotions": promotions,
    "GET /pictures/{id}.jpg": picture,
}
