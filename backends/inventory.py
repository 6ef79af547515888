"""What is left of each dish."""

import msgspec

from backends.orders import Line
from backends.web import Ask, Refused, Table, is_id, now
from bff.testing.stub import StubReply


class Wanted(msgspec.Struct):
    lines: list[Line]


def stock(ask: Ask) -> object:
    rows = ask.store.among("SELECT * FROM stock WHERE dish_id IN (?)", ask.keys("dish"))
    return [{"dish_id": str(row["dish_id"]), "available": row["available"]} for row in rows]


def reserve(ask: Ask) -> object:
    """Take all of it or nothing: 409 names the dishes that there is too little of."""
    lines = ask.json(Wanted).lines
    if not lines or any(line.quantity < 1 for line in lines):
        raise Refused(422, "lines must be there, each of a quantity from 1")
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.dish_id] = wanted.get(line.dish_id, 0) + line.quantity
    rows = ask.store.among("SELECT * FROM stock WHERE dish_id IN (?)", [int(key) for key in wanted if is_id(key)])
    left = {str(row["dish_id"]): row["available"] for row in rows}
    if short := [dish for dish, quantity in wanted.items() if left.get(dish, 0) < quantity]:
        return StubReply.json({"error": "too little is left", "dish_ids": short}, 409)
    for dish, quantity in wanted.items():
        ask.store.write("UPDATE stock SET available = available - ? WHERE dish_id = ?", quantity, dish)
    number = ask.store.write("INSERT INTO reservations (made_at) VALUES (?)", now())
    return StubReply.json({"reservation_id": str(number)}, 201)


TABLE: Table = {"GET /stock": stock, "POST /reserve": reserve}
