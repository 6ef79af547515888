"""What is left of each dish, and what is kept for orders."""

import msgspec

from backends.basket import Line
from backends.once import Once
from backends.web import Ask, Refused, Table, is_id, now
from bff.testing.stub import StubReply

ONCE = Once("reservation")


class Wanted(msgspec.Struct):
    lines: list[Line]


class Release(msgspec.Struct):
    """What is released: a reservation, or whatever was or will be reserved under a key, which is given up."""

    reservation_id: str | None = None
    key: str | None = None


def stock(ask: Ask) -> object:
    rows = ask.store.among("SELECT * FROM stock WHERE dish_id IN (?)", ask.keys("dish"))
    return [{"dish_id": str(row["dish_id"]), "available": row["available"]} for row in rows]


def reserve(ask: Ask) -> object:
    """Take all of it or nothing, once a key: 409 names the dishes that there is too little of."""
    lines = ask.json(Wanted).lines
    if (known := ONCE.earlier(ask)) is not None:
        return {"reservation_id": str(known)}
    if not lines or any(line.quantity < 1 for line in lines):
        raise Refused(422, "lines must be there, each of a quantity from 1")
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.dish_id] = wanted.get(line.dish_id, 0) + line.quantity
    rows = ask.store.among("SELECT * FROM stock WHERE dish_id IN (?)", [int(key) for key in wanted if is_id(key)])
    left = {str(row["dish_id"]): row["available"] for row in rows}
    if short := [dish for dish, quantity in wanted.items() if left.get(dish, 0) < quantity]:
        return StubReply.json({"error": "too little is left", "dish_ids": short}, 409)
    number = taken(ask, wanted)
    ONCE.made(ask, number)
    return StubReply.json({"reservation_id": str(number)}, 201)


def taken(ask: Ask, wanted: dict[str, int]) -> int:
    number = ask.store.write("INSERT INTO reservations (made_at, status, user_id) VALUES (?, 'HELD', ?)", now(), ask.asker.user)
    for dish, quantity in wanted.items():
        ask.store.write("UPDATE stock SET available = available - ? WHERE dish_id = ?", quantity, dish)
        ask.store.write("INSERT INTO reserved VALUES (?, ?, ?)", number, dish, quantity)
    return number


def release(ask: Ask) -> object:
    """Put back what a reservation has taken, once; 404 if there is no such reservation. A key may have taken nothing."""
    asked = ask.json(Release)
    if asked.reservation_id is not None:
        if not ask.exists("reservations", asked.reservation_id):
            raise Refused(404, f"no reservation {asked.reservation_id}")
        number: int | None = int(asked.reservation_id)
        owned(ask, number)
    elif asked.key:
        number = ONCE.of(ask, asked.key)
        owned(ask, number)
        ONCE.give_up(ask, asked.key)
    else:
        raise Refused(422, "reservation_id or key is required")
    if number is not None:
        put_back(ask, number)
    return {"reservation_id": None if number is None else str(number)}


def owned(ask: Ask, number: int | None) -> None:
    """Go on if the reservation is nobody's or the asker's; another's is as missing as one that does not exist."""
    row = ask.store.one("SELECT user_id FROM reservations WHERE id = ?", number)
    if row is not None and row["user_id"] is not None:
        ask.only(row["user_id"], f"reservation {number}")


def put_back(ask: Ask, number: int) -> None:
    if not ask.store.one("SELECT 1 FROM reservations WHERE id = ? AND status = 'HELD'", number):
        return
    ask.store.write("UPDATE reservations SET status = 'RELEASED' WHERE id = ?", number)
    for line in ask.store.rows("SELECT * FROM reserved WHERE reservation_id = ?", number):
        ask.store.write("UPDATE stock SET available = available + ? WHERE dish_id = ?", line["quantity"], line["dish_id"])


TABLE: Table = {"GET /stock": stock, "POST /reserve": reserve, "POST /release": release}
