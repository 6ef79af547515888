"""What the stub backends answer: made by arithmetic, so every run and every machine sees the same bytes.

Each value is the parsed form; `files()` gives the bytes by service and path.
"""

import json
from typing import Any

from benchmarks.signer import jwks

Item = dict[str, Any]  # an item as a backend sends it

_DISHES = ("Masala Dosa", "Paneer Tikka", "Ramen", "Margherita", "Falafel Plate", "Pad Thai", "Pierogi", "Bibimbap")
_CUISINES = ("south indian", "italian", "japanese", "levantine", "thai", "polish", "korean")
_STREETS = ("Mill Lane", "Station Road", "Harbour Street", "Orchard Row", "Castle Hill")
_STATUSES = ("DELIVERED", "DELIVERED", "ON_THE_WAY", "CANCELLED")
_WORDS = (
    "slow cooked, served with rice and pickles, a favourite of the neighbourhood since the first week and still made "
    "by the same two hands every evening"
)


def _text(index: int, length: int) -> str:
    """Readable filler of an exact length that differs from item to item."""
    turned = _WORDS[index % len(_WORDS) :] + " " + _WORDS
    return (turned * (length // len(turned) + 1))[:length].strip().ljust(length, ".")


def _moment(index: int) -> str:
    return f"2026-{1 + index % 12:02d}-{1 + index * 3 % 28:02d}T{index * 5 % 24:02d}:{index * 7 % 60:02d}:00Z"


def user() -> Item:
    """One profile, 0.5 KB."""
    return {
        "id": "u-7",
        "name": "Ada Okafor",
        "email": "ada.okafor@example.org",
        "phone": "+44 20 7946 0007",
        "tier": "GOLD",
        "points": 1840,
        "memberSince": "2019-04-02",
        "locale": "en-GB",
        "avatarUrl": "https://img.example.org/avatars/u-7.webp",
        "marketing": False,
        "address": {
            "street": "7 Mill Lane",
            "city": "Bristol",
            "postcode": "BS1 4DJ",
            "latitude": 51.4545,
            "longitude": -2.5879,
        },
        "about": _text(3, 140),
    }


def orders() -> list[Item]:
    """Eight orders, 2 KB."""
    return [
        {
            "id": f"o-{9000 + n}",
            "restaurantId": f"r-{n * 7 % 20}",
            "restaurantName": f"{_DISHES[n % 8]} House",
            "status": _STATUSES[n % 4],
            "placedAt": _moment(n),
            "deliveredAt": _moment(n + 1),
            "itemCount": 1 + n % 5,
            "total": 1250 + 137 * n,
            "currency": "GBP",
            "note": _text(n, 30),
        }
        for n in range(8)
    ]


def restaurants() -> list[Item]:
    """Twenty restaurants, 7 KB."""
    return [
        {
            "id": f"r-{n}",
            "name": f"{_DISHES[n % 8]} House {n}",
            "cuisine": _CUISINES[n % 7],
            "rating": round(3.5 + n * 7 % 15 / 10, 1),
            "reviewCount": 40 + n * 31,
            "deliveryMinutes": 15 + n * 3 % 40,
            "deliveryFee": 99 + n % 4 * 50,
            "minimumOrder": 1000 + n % 3 * 250,
            "currency": "GBP",
            "open": n % 6 != 5,
            "imageUrl": f"https://img.example.org/restaurants/r-{n}/cover.webp",
            "street": f"{n + 1} {_STREETS[n % 5]}",
            "distance": round(0.4 + n * 0.35, 2),
            "tags": [_CUISINES[n % 7], "late" if n % 2 else "family", "vegan" if n % 3 else "grill"],
            "description": _text(n, 15),
        }
        for n in range(20)
    ]


def recommendations() -> list[Item]:
    """Fifteen dishes, 4 KB."""
    return [
        {
            "id": f"d-{n}",
            "title": f"{_DISHES[n % 8]} no. {n}",
            "restaurantId": f"r-{n * 3 % 20}",
            "restaurantName": f"{_DISHES[n * 3 % 8]} House {n * 3 % 20}",
            "price": 750 + 45 * n,
            "currency": "GBP",
            "score": round(0.99 - n * 0.03, 2),
            "reason": "ORDERED_BEFORE" if n % 2 else "POPULAR_NEARBY",
            "imageUrl": f"https://img.example.org/dishes/d-{n}.webp",
            "calories": 380 + 20 * n,
            "vegetarian": n % 3 == 0,
        }
        for n in range(15)
    ]


def notifications() -> list[Item]:
    """Six notices, 1 KB."""
    return [
        {
            "id": f"n-{n}",
            "kind": "OFFER" if n % 2 else "ORDER",
            "title": f"News about {_DISHES[n % 8]}",
            "body": _text(n * 5, 52),
            "sentAt": _moment(n + 3),
            "read": n > 2,
        }
        for n in range(6)
    ]


def posts() -> list[Item]:
    """A hundred posts by ten people: W3's list."""
    return [
        {"id": f"p-{n}", "userId": f"{1 + n * 7 % 10}", "title": f"On {_DISHES[n % 8]} ({n})", "body": _text(n, 60)}
        for n in range(100)
    ]


def people() -> list[Item]:
    """The ten authors, all of them whatever ids are asked: W3's batch endpoint."""
    return [
        {"id": f"{n}", "name": f"{_DISHES[n % 8].split()[0]} Lover {n}", "email": f"p{n}@example.org", "city": "York"}
        for n in range(1, 11)
    ]


def files() -> dict[str, dict[str, bytes]]:
    """The bytes of every answer, by service and then by path."""

    def packed(value: object) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    return {
        "users": {"/user": packed(user())},
        "orders": {"/orders": packed(orders())},
        "restaurants": {"/restaurants": packed(restaurants())},
        "recommendations": {"/recommendations": packed(recommendations())},
        "notifications": {"/notifications": packed(notifications())},
        "posts": {"/posts": packed(posts())},
        "people": {"/users": packed(people())},
        "issuer": {"/jwks.json": jwks()},
    }
