"""The tables of the demo. Money is minor units; times are RFC 3339 UTC text, which sorts as time does."""

VERSION = 3  # raise it whenever SCHEMA or the seed changes: files of another version are rebuilt

SCHEMA = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, phone TEXT NOT NULL, tier TEXT NOT NULL,
    locale TEXT NOT NULL, salt TEXT NOT NULL, password TEXT NOT NULL, joined_at TEXT NOT NULL);
CREATE TABLE addresses (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, label TEXT NOT NULL, street TEXT NOT NULL, area TEXT NOT NULL,
    postcode TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, is_default INTEGER NOT NULL);
CREATE INDEX addresses_user ON addresses (user_id);
CREATE INDEX addresses_street ON addresses (street);
CREATE TABLE favourites (
    user_id INTEGER NOT NULL, restaurant_id INTEGER NOT NULL, added_at TEXT NOT NULL,
    PRIMARY KEY (user_id, restaurant_id)) WITHOUT ROWID;

CREATE TABLE areas (name TEXT PRIMARY KEY, lat REAL NOT NULL, lon REAL NOT NULL, postcode TEXT NOT NULL);
CREATE TABLE restaurants (
    id INTEGER PRIMARY KEY, rank INTEGER NOT NULL UNIQUE, name TEXT NOT NULL, cuisine TEXT NOT NULL, area TEXT NOT NULL,
    lat REAL NOT NULL, lon REAL NOT NULL, fee INTEGER NOT NULL, currency TEXT NOT NULL, opens TEXT NOT NULL,
    closes TEXT NOT NULL, price_level INTEGER NOT NULL, minutes_min INTEGER NOT NULL, minutes_max INTEGER NOT NULL);
CREATE INDEX restaurants_area ON restaurants (area, rank);
CREATE INDEX restaurants_cuisine ON restaurants (cuisine, rank);
CREATE INDEX restaurants_price ON restaurants (price_level, rank);
CREATE TABLE dishes (
    id INTEGER PRIMARY KEY, restaurant_id INTEGER NOT NULL, category TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT NOT NULL, price INTEGER NOT NULL, currency TEXT NOT NULL, vegetarian INTEGER NOT NULL);
CREATE INDEX dishes_restaurant ON dishes (restaurant_id);
CREATE TABLE promotions (
    id INTEGER PRIMARY KEY, area TEXT NOT NULL, restaurant_id INTEGER NOT NULL, title TEXT NOT NULL,
    percent INTEGER NOT NULL, code TEXT NOT NULL, ends_at TEXT NOT NULL);
CREATE INDEX promotions_area ON promotions (area);
CREATE TABLE stock (dish_id INTEGER PRIMARY KEY, available INTEGER NOT NULL);

CREATE TABLE orders (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, restaurant_id INTEGER NOT NULL, status TEXT NOT NULL,
    placed_at TEXT NOT NULL, currency TEXT NOT NULL, subtotal INTEGER NOT NULL, fee INTEGER NOT NULL,
    line_count INTEGER NOT NULL, address TEXT NOT NULL, instructions TEXT NOT NULL, payment_id INTEGER,
    reservation_id INTEGER);
CREATE INDEX orders_user ON orders (user_id, id);
CREATE TABLE lines (
    order_id INTEGER NOT NULL, position INTEGER NOT NULL, dish_id INTEGER NOT NULL, name TEXT NOT NULL,
    quantity INTEGER NOT NULL, price INTEGER NOT NULL, PRIMARY KEY (order_id, position)) WITHOUT ROWID;
CREATE TABLE once (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, made INTEGER, given_up INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE reservations (id INTEGER PRIMARY KEY, made_at TEXT NOT NULL, status TEXT NOT NULL, user_id TEXT);
CREATE TABLE reserved (
    reservation_id INTEGER NOT NULL, dish_id INTEGER NOT NULL, quantity INTEGER NOT NULL,
    PRIMARY KEY (reservation_id, dish_id)) WITHOUT ROWID;

CREATE TABLE methods (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL, last4 TEXT NOT NULL,
    expires TEXT NOT NULL, is_default INTEGER NOT NULL);
CREATE INDEX methods_user ON methods (user_id);
CREATE TABLE payments (
    id INTEGER PRIMARY KEY, order_id INTEGER, method_id INTEGER NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, status TEXT NOT NULL, made_at TEXT NOT NULL);
CREATE INDEX payments_order ON payments (order_id);

CREATE TABLE couriers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, phone TEXT NOT NULL, vehicle TEXT NOT NULL, rating REAL NOT NULL);
CREATE TABLE deliveries (
    order_id INTEGER PRIMARY KEY, courier_id INTEGER NOT NULL, status TEXT NOT NULL, started_at TEXT NOT NULL,
    eta_seconds INTEGER NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, customer_name TEXT NOT NULL,
    instructions TEXT NOT NULL);

CREATE TABLE reviews (
    id INTEGER PRIMARY KEY, restaurant_id INTEGER NOT NULL, user_id INTEGER NOT NULL, rating INTEGER NOT NULL,
    text TEXT NOT NULL, made_at TEXT NOT NULL);
CREATE INDEX reviews_restaurant ON reviews (restaurant_id, id);
CREATE INDEX reviews_user ON reviews (user_id, id);
CREATE TABLE ratings (restaurant_id INTEGER PRIMARY KEY, total INTEGER NOT NULL, count INTEGER NOT NULL);

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    link TEXT NOT NULL, made_at TEXT NOT NULL, is_read INTEGER NOT NULL);
CREATE INDEX notifications_user ON notifications (user_id, id);
CREATE TABLE banners (
    id INTEGER PRIMARY KEY, audience TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, link TEXT NOT NULL);
CREATE INDEX banners_audience ON banners (audience);
"""
