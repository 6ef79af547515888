"""Orders: listed, placed, cancelled, given up."""

import msgspec

from backends.basket import Basket, Priced, priced, quote
from backends.once import Once
from backends.store import Row
from backends.web import Ask, Refused, Table, is_id, money, now, page
from bff.testing.stub import StubReply

STATUSES = ("PLACED", "PREPARING", "ON_THE_WAY", "DELIVERED", "CANCELLED")
ACTIVE = STATUSES[:3]
CANCELLABLE = STATUSES[:2]
ONCE = Once("order")


class NewOrder(Basket):
    user_id: str
    address: str
    payment_id: str | None = None
    reservation_id: str | None = None
    instructions: str = ""


class Given(msgspec.Struct):
    """An Idempotency-Key that is given up."""

    key: str


def orders(ask: Ask) -> object:
    """A user's orders, newest first."""
    user, limit, status = ask.key("user"), ask.limit(), ask.text("status", "")
    ask.only(str(user))
    if status and status not in STATUSES:
        raise Refused(422, f"status must be one of {', '.join(STATUSES)}")
    sql = "SELECT * FROM orders WHERE user_id = ? AND id < ? AND (? = '' OR status = ?) ORDER BY id DESC LIMIT ?"
    rows = ask.store.rows(sql, user, ask.cursor() or 2**62, status, status, limit + 1)
    return page(rows, limit, shown)


def active(ask: Ask) -> object:
    user = ask.key("user")
    ask.only(str(user))
    marks = ",".join("?" * len(ACTIVE))
    sql = f"SELECT * FROM orders WHERE user_id = ? AND status IN ({marks}) ORDER BY id DESC"
    return {"items": [shown(row) for row in ask.store.rows(sql, user, *ACTIVE)], "next": None}


def order(ask: Ask) -> object:
    return shown(owned(ask, ask.id()))


def lines(ask: Ask) -> object:
    row = owned(ask, ask.id())
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


def place(ask: Ask) -> object:
    """Place an order once: the same Idempotency-Key and body again give the same order and write nothing."""
    wanted = ask.json(NewOrder)
    ask.only(wanted.user_id)
    if (known := ONCE.earlier(ask)) is not None:
        again = StubReply.json(shown(found(ask, known)))
        again.headers = (("Idempotency-Replayed", "true"),)
        return again
    if not ask.exists("users", wanted.user_id):
        raise Refused(422, f"no user {wanted.user_id}")
    basket = priced(ask, wanted)
    if wanted.payment_id is not None and not pays(ask, wanted.payment_id, wanted.user_id, basket):
        costs = money(basket.total, basket.currency)
        return StubReply.json({"error": "it costs something else than was paid", "costs": costs}, 409)
    if wanted.reservation_id is not None:
        held(ask, wanted.reservation_id, wanted.user_id)
    number = written(ask, wanted, basket)
    ONCE.made(ask, number)
    return StubReply.json(shown(found(ask, number)), 201)


def pays(ask: Ask, key: str, user: str, basket: Priced) -> bool:
    """Whether a payment is of what the basket costs; 422 for one that is not the user's, or has paid something already."""
    sql = (
        "SELECT payments.* FROM payments JOIN methods ON methods.id = method_id"
        " WHERE payments.id = ? AND user_id = ? AND order_id IS NULL AND status = 'CAPTURED'"
    )
    row = ask.store.one(sql, int(key), int(user)) if is_id(key) else None
    if row is None:
        raise Refused(422, f"no payment {key} that is not used yet")
    return (row["amount"], row["currency"]) == (basket.total, basket.currency)


def held(ask: Ask, key: str, user: str) -> None:
    """The reservation is the user's, or nobody's (422 else)."""
    row = ask.store.one("SELECT user_id FROM reservations WHERE id = ?", int(key)) if is_id(key) else None
    if row is None or row["user_id"] not in (None, user):
        raise Refused(422, f"no reservation {key}")


def written(ask: Ask, wanted: NewOrder, basket: Priced) -> int:
    number = ask.store.write(
        "INSERT INTO orders (user_id, restaurant_id, status, placed_at, currency, subtotal, fee, line_count, address,"
        " instructions, payment_id, reservation_id) VALUES (?, ?, 'PLACED', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        wanted.user_id, basket.restaurant, now(), basket.currency, basket.subtotal, basket.fee, len(basket.lines),
        wanted.address, wanted.instructions, wanted.payment_id, wanted.reservation_id,
    )  # fmt: skip
    for position, line in enumerate(basket.lines):
        ask.store.write("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)", number, position, *line)
    # payments would hear of it by an event, which the demo has none of
    ask.store.write("UPDATE payments SET order_id = ? WHERE id = ?", number, wanted.payment_id)
    return number


def cancel(ask: Ask) -> object:
    """Cancel an order; one that is cancelled stays so. 409 when it is too late."""
    return shown(cancelled(ask, owned(ask, ask.id())))


def give_up(ask: Ask) -> object:
    """Cancel the order that was placed under a key, if there is one; one that is still on its way is not placed."""
    key = ask.json(Given).key
    number = ONCE.of(ask, key)
    if number is not None:
        cancelled(ask, owned(ask, number))
    ONCE.give_up(ask, key)
    return {"order_id": None if number is None else str(number)}


def cancelled(ask: Ask, row: Row) -> Row:
    if row["status"] not in (*CANCELLABLE, "CANCELLED"):
        raise Refused(409, f"an order that is {row['status']} cannot be cancelled")
    ask.store.write("UPDATE orders SET status = 'CANCELLED' WHERE id = ?", row["id"])
    # delivery would hear of it by an event, which the demo has none of
    ask.store.write("DELETE FROM deliveries WHERE order_id = ?", row["id"])
    return found(ask, row["id"])


def owned(ask: Ask, number: int) -> Row:
    """An order of the user for whom we are asked; another's is as missing as one that does not exist."""
    row = found(ask, number)
    ask.only(str(row["user_id"]), f"order {number}")
    return row


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
        "reservation_id": None if row["reservation_id"] is None else str(row["reservation_id"]),
    }


TABLE: Table = {
    "GET /orders": orders,
    "POST /orders": place,
    "GET /orders/active": active,
    "POST /orders/quote": quote,
    "POST /orders/give-up": give_up,
    "GET /orders/{id}": order,
    "GET /orders/{id}/lines": lines,
    "POST /orders/{id}/cancel": cancel,
}
