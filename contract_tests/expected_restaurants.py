"""What the restaurants client asks and reads: see expected.py."""

from clients.restaurants import Category, Dish, Hours, Minutes, Promotion, Restaurant, Restaurants
from contract_tests.case import Case, Expected
from contract_tests.examples import AT, HERE, NOBODY, PRICE

PLACE = Restaurant(
    "5", "Little Bowl", "INDIAN", "Mitte", HERE, PRICE, Minutes(20, 30), Hours("10:00", "22:00"), 2, "/pictures/5.jpg"
)
DISH = Dish("9", "Dal", "Lentils.", PRICE, True, "/pictures/9.jpg")
PROMOTION = Promotion("3", "5", "A fifth off", 20, "FIFTH", AT)

RESTAURANTS = Expected(
    Restaurants,
    [
        Case("a restaurant", lambda it: it.restaurant("5"), "/restaurants/5", PLACE, given="restaurant 5"),
        Case("a restaurant that is none", lambda it: it.restaurant(NOBODY), f"/restaurants/{NOBODY}", status=404),
        Case(
            "many restaurants at once",
            lambda it: it.known.many(["5", "6"]),
            "/restaurants",
            [PLACE],
            [("id", "5"), ("id", "6")],
            "restaurant 5",
        ),
        Case(
            "what is near",
            lambda it: it.near("Kreuzberg", 6),
            "/restaurants/near",
            {"items": [PLACE]},
            [("area", "Kreuzberg"), ("limit", "6")],
            "a restaurant in Kreuzberg",
        ),
        Case("what is popular", lambda it: it.popular(6), "/restaurants/popular", {"items": [PLACE]}, [("limit", "6")]),
        Case(
            "what is recommended to a tier",
            lambda it: it.recommended("GOLD", 6),
            "/restaurants/recommended",
            {"items": [PLACE]},
            [("user_tier", "GOLD"), ("limit", "6")],
        ),
        Case(
            "a search by words and cuisines, with more to come",
            lambda it: it.search("o", ["INDIAN", "GERMAN"], 1, None),
            "/restaurants/search",
            {"items": [PLACE], "next": "azE"},
            [("q", "o"), ("cuisine", "INDIAN"), ("cuisine", "GERMAN"), ("limit", "1")],
            "an Indian and a German restaurant",
        ),
        Case(
            "a menu",
            lambda it: it.menu("5"),
            "/restaurants/5/menu",
            {"categories": [Category("MAINS", "Mains", [DISH])]},
            given="restaurant 5 has dishes",
        ),
        Case(
            "promotions in an area",
            lambda it: it.promotions("Kreuzberg", 4),
            "/promotions",
            {"items": [PROMOTION]},
            [("area", "Kreuzberg"), ("limit", "4")],
            "a promotion in Kreuzberg",
        ),
        Case("all cuisines", lambda it: it.cuisines(), "/cuisines", {"items": [{"id": "INDIAN", "title": "Indian"}]}),
    ],
)
