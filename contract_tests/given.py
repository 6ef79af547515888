"""The states that Pacts are `given`: questions that the demo's seeded data must answer, and what is made first."""

_RESERVATION = "INSERT INTO reservations (id, made_at, status) VALUES (90001, '', 'HELD')"
MADE = {
    "payment 90001, which has paid nothing yet, and reservation 90001": (
        "INSERT INTO payments SELECT 90001, NULL, 13, 2 * price + fee, 'EUR', 'CAPTURED', ''"
        " FROM dishes, restaurants WHERE dishes.id = 1 AND restaurants.id = 1",
        _RESERVATION,
    ),
    "payment 90002 of less than dish 1 costs": ("INSERT INTO payments VALUES (90002, NULL, 13, 1, 'EUR', 'CAPTURED', '')",),
    "order 90001 can be cancelled": (
        "INSERT INTO orders VALUES (90001, 7, 1, 'PLACED', '2026-01-02T12:00:00Z', 'EUR', 1000, 250, 1, 'x', '', 90001, 90001)",
    ),
    "reservation 90001": (_RESERVATION,),
}

GIVEN = {
    "user 7": "SELECT 1 FROM users WHERE id = 7",
    "user 7 has an address": "SELECT 1 FROM addresses WHERE user_id = 7",
    "user 7 has a favourite": "SELECT 1 FROM favourites WHERE user_id = 7",
    "user 7 has a method": "SELECT 1 FROM methods WHERE user_id = 7",
    "user 7 has two orders": "SELECT 1 FROM orders WHERE user_id = 7 LIMIT 1 OFFSET 1",
    "user 7 has an order under way": "SELECT 1 FROM orders WHERE user_id = 7 AND status = 'ON_THE_WAY'",
    "user 7 has something unread": "SELECT 1 FROM notifications WHERE user_id = 7 AND NOT is_read",
    "restaurant 5": "SELECT 1 FROM restaurants WHERE id = 5",
    "restaurant 5 has dishes": "SELECT 1 FROM dishes WHERE restaurant_id = 5",
    "restaurant 5 is rated": "SELECT 1 FROM ratings WHERE restaurant_id = 5",
    "restaurant 5 is reviewed": "SELECT 1 FROM reviews WHERE restaurant_id = 5",
    "a restaurant in Kreuzberg": "SELECT 1 FROM restaurants WHERE area = 'Kreuzberg'",
    "a promotion in Kreuzberg": "SELECT 1 FROM promotions WHERE area = 'Kreuzberg'",
    "an Indian and a German restaurant": "SELECT 1 FROM restaurants a, restaurants b"
    " WHERE a.cuisine = 'INDIAN' AND b.cuisine = 'GERMAN' AND a.name LIKE '%o%' AND b.name LIKE '%o%'",
    "order 1": "SELECT 1 FROM orders JOIN lines ON order_id = orders.id WHERE orders.id = 1",
    "order 1 is paid": "SELECT 1 FROM payments WHERE order_id = 1",
    "stock of dish 1": "SELECT 1 FROM stock WHERE dish_id = 1",
    "nothing is left of dish 83": "SELECT 1 FROM stock WHERE dish_id = 83 AND available = 0",
    "dish 1 of restaurant 1": "SELECT 1 FROM dishes WHERE id = 1 AND restaurant_id = 1",
    "method 13 of user 7": "SELECT 1 FROM methods WHERE id = 13 AND user_id = 7",
    "order 29737 of user 7 at restaurant 255 is delivered": "SELECT 1 FROM orders"
    " WHERE id = 29737 AND user_id = 7 AND restaurant_id = 255 AND status = 'DELIVERED'",
    "payment 1": "SELECT 1 FROM payments WHERE id = 1",
    "area Mitte": "SELECT 1 FROM areas WHERE name = 'Mitte'",
    "a banner for GOLD": "SELECT 1 FROM banners WHERE audience = 'GOLD'",
}
