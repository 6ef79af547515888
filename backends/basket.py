"""What is to be ordered, and what it costs: prices and fees are decided here, not by who asks."""

import msgspec

from backends.web import Ask, Refused, money

MOST_OF_ONE = 50  # of one dish in an order


class Line(msgspec.Struct):
    dish_id: str
    quantity: int = 1


class Basket(msgspec.Struct):
    restaurant_id: str
    lines: list[Line]


class Priced(msgspec.Struct):
    """A basket with what it costs: (dish, name, quantity, price of one)."""

    restaurant: int
    lines: list[tuple[int, str, int, int]]
    fee: int
    currency: str

    @property
    def subtotal(self) -> int:
        return sum(quantity * price for _, _, quantity, price in self.lines)

    @property
    def total(self) -> int:
        return self.subtotal + self.fee


def quote(ask: Ask) -> object:
    """What a basket would cost now; 404 for a restaurant that is none, 422 for what it cannot give."""
    basket = priced(ask, ask.json(Basket))
    return {
        "restaurant_id": str(basket.restaurant),
        "subtotal": money(basket.subtotal, basket.currency),
        "delivery_fee": money(basket.fee, basket.currency),
        "total": money(basket.total, basket.currency),
    }


def priced(ask: Ask, basket: Basket) -> Priced:
    """The basket at the restaurant's prices; 404 for a restaurant that is none, 422 for what is not on its menu."""
    if not ask.exists("restaurants", basket.restaurant_id):
        raise Refused(404, f"no restaurant {basket.restaurant_id}")
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
