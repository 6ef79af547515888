"""Orders: listed, placed, cancelled. What they cost is decided here, not by who asks."""

import hashlib

import msgspec

from backends.store import Row
from backends.web import Ask, Refused, Table, is_id, money, now, page
from bff.testing.stub import StubReply

STATUSES = ("PLACED", "PREPARING", "ON_THE_WAY", "DELIVERED", "CANCELLED")
ACTIVE = STATUSES[:3]
CANCELLABLE = STATUSES[:2]
MOST_OF_ONE = 50  # of one dish in an order


class Line(msgspec.Struct):
    dish_id: str
    quantity: int = 1


class Basket(msgspec.Struct):
    restaurant_id: str
    lines: list[Line]


class NewOrder(Basket):
    user_id: str
    address: str
    payment_id: str | None = None
    instructions: str = ""


class Priced(msgspec.Struct):
    """A basket with what it costs: (dish, name, quantity, price of one)."""

    restaurant: int
    lines: list[tuple[int, str, int, int]]
    fee: int
    currency: str

    @property
    def subtotal(self) -> int:
        return sum(quantity * price for _, _, quantity, price in self.lines)


def orders(ask: Ask) -> object:
    """A user's orders, newest first."""
    user, limit, status = ask.key("user"), ask.limit(), ask.text("status", "")
    if status and status not in STATUSES:
        raise Refused(422, f"status must be one of {', '.join(STATUSES)}")
    sql = "SELECT * FROM orders WHERE user_id = ? AND id < ? AND (? = '' OR status = ?) ORDER BY id DESC LIMIT ?"
    rows = ask.store.rows(sql, user, ask.cursor() or 2**62, status, status, limit + 1)
    return page(rows, limit, shown)


def active(ask: Ask) -> object:
    marks = ",".join("?" * len(ACTIVE))
    sql = f"SELECT * FROM orders WHERE user_id = ? AND status IN ({marks}) ORDER BY id DESC"
    return {"items": [shown(row) for row in ask.store.rows(sql, ask.key("user"), *ACTIVE)], "next": None}


def order(ask: Ask) -> object:
    return shown(found(ask, ask.id()))


def lines(ask: Ask) -> object:
    row = found(ask, ask.id())
    items = [
        {
            "dish_id": str(line["dish_id"]),
            "name": line["name"],
            "quantity": line["quantity"],
            "price": money(line["price"], row["currency"]),
        }
        for line in ask.store.rows("SELECT * FROM lines WHERE order_id = ? ORDER BY position", row["id"])
    ]
    return {"items": items, "next": None}


def quote(ask: Ask) -> object:
    """What a basket would cost now."""
    basket = priced(ask, ask.json(Basket))
    return {
        "restaurant_id": str(basket.restaurant),
        "subtotal": money(basket.subtotal, basket.currency),
        "delivery_fee": money(basket.fee, basket.currency),
        "total": money(basket.subtotal + basket.fee, basket.currency),
    }


def place(ask: Ask) -> object:
    """Place an order once: the same Idempotency-Key and body again give the same order and write nothing."""
    wanted = ask.json(NewOrder)
    key = ask.request.headers.get("idempotency-key")
    digest = hashlib.sha256(ask.request.body).hexdigest()
    if key and (known := ask.store.one("SELECT * FROM once WHERE key = ?", f"orders {key}")):
        if known["digest"] != digest:
            raise Refused(422, "this Idempotency-Key was used for another order")
        again = StubReply.json(shown(found(ask, known["made"])))
        again.headers = (("Idempotency-Replayed", "true"),)
        return again
    if not ask.exists("users", wanted.user_id):
        raise Refused(422, f"no user {wanted.user_id}")
    if wanted.payment_id is not None and not free_payment(ask, wanted.payment_id):
        raise Refused(422, f"no payment {wanted.payment_id} that is not used yet")
    number = written(ask, wanted, priced(ask, wanted))
    if key:
        ask.store.write("INSERT INTO once VALUES (?, ?, ?)", f"orders {key}", digest, number)
    return StubReply.json(shown(found(ask, number)), 201)


def free_payment(ask: Ask, key: str) -> bool:
    """Whether there is such a payment and it has paid no order yet."""
    sql = "SELECT 1 FROM payments WHERE id = ? AND order_id IS NULL"
    return is_id(key) and ask.store.one(sql, int(key)) is not None


def written(ask: Ask, wanted: NewOrder, basket: Priced) -> int:
    number = ask.store.write(
        "INSERT INTO orders (user_id, restaurant_id, status, placed_at, currency, subtotal, fee, line_count, address,"
        " instructions, payment_id) VALUES (?, ?, 'PLACED', ?, ?, ?, ?, ?, ?, ?, ?)",
        wanted.user_id, basket.restaurant, now(), basket.currency, basket.subtotal, basket.fee, len(basket.lines),
        wanted.address, wanted.instructions, wanted.payment_id,
    )  # fmt: skip
    for position, line in enumerate(basket.lines):
        ask.store.write("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)", number, position, *line)
    # payments would hear of it by an event, which the demo has none of
    ask.store.write("UPDATE payments SET order_id = ? WHERE id = ?", number, wanted.payment_id)
    return number


def priced(ask: Ask, basket: Basket) -> Priced:
    """The basket at the restaurant's prices; 422 for what is not on its menu."""
    if not ask.exists("restaurants", basket.restaurant_id):
        raise Refused(422, f"no restaurant {basket.restaurant_id}")
    [place] = ask.store.rows("SELECT id, fee, currency FROM restaurants WHERE id = ?", int(basket.restaurant_id))
    if not basket.lines:
        raise Refused(422, "lines must not be empty")
    sql = "SELECT id, name, price FROM dishes WHERE restaurant_id = ?"
    menu = {str(row["id"]): row for row in ask.store.rows(sql, place["id"])}
    chosen: list[tuple[int, str, int, int]] = []
    for line in basket.lines:
        dish = menu.get(line.dish_id)
        if dish is None or not 1 <= line.quantity <= MOST_OF_ONE:
            raise Refused(422, f"restaurant {basket.restaurant_id} cannot give {line.quantity} of dish {line.dish_id}")
        chosen.append((dish["id"], dish["name"], line.quantity, dish["price"]))
    return Priced(place["id"], chosen, place["fee"], place["currency"])


def cancel(ask: Ask) -> object:
    row = found(ask, ask.id())
    if row["status"] not in CANCELLABLE:
        raise Refused(409, f"an order that is {row['status']} cannot be cancelled")
    ask.store.write("UPDATE orders SET status = 'CANCELLED' WHERE id = ?", row["id"])
    return shown(found(ask, row["id"]))


def found(ask: Ask, number: int) -> Row:
    row = ask.store.one("SELECT * FROM orders WHERE id = ?", number)
    if row is None:
        raise Refused(404, f"no order {number}")
    return row


def shown(row: Row) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "user_id": str(row["user_id"]),
        "restaurant_id": str(row["restaurant_id"]),
        "status": row["status"],
        "placed_at": row["placed_at"],
        "subtotal": money(row["subtotal"], row["currency"]),
        "delivery_fee": money(row["fee"], row["currency"]),
        "total": money(row["subtotal"] + row["fee"], row["currency"]),
        "line_count": row["line_count"],
        "address": row["address"],
        "instructions": row["instructions"],
        "payment_id": None if row["payment_id"] is None else str(row["payment_id"]),
    }


TABLE: Table = {
    "GET /orders": orders,
    "POST /orders": place,
    "GET /orders/active": active,
    "POST /orders/quote": quote,
    "GET /orders/{id}": order,
    "GET /orders/{id}/lines": lines,
    "POST /orders/{id}/cancel": cancel,
}
