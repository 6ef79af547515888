"""Fills an empty database with the demo's city: the same bytes at every run, for all of it comes from one seed."""

import random
import sqlite3

from backends.seed.opinions import add_notifications, add_reviews
from backends.seed.people import add_users
from backends.seed.places import add_dishes, add_restaurants
from backends.seed.trade import add_couriers, add_orders

SEED = 20_26


def fill(connection: sqlite3.Connection) -> None:
    """Add everything; each step draws from its own generator, so that changing one leaves the others as they were."""
    add_restaurants(connection, random.Random(SEED))
    add_dishes(connection, random.Random(SEED + 1))
    add_users(connection, random.Random(SEED + 2))
    add_couriers(connection, random.Random(SEED + 3))
    add_orders(connection, random.Random(SEED + 4))
    add_reviews(connection, random.Random(SEED + 5))
    add_notifications(connection, random.Random(SEED + 6))
