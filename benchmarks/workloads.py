"""The workloads of performance.md: what is asked, what the answer must be, what it may cost.

`expected` is the answer after a system's own envelope has been taken off; every system must give it before it is timed.
"""

from dataclasses import dataclass, field
from typing import Any

from benchmarks import payloads

CONNECTIONS = 32  # what wrk keeps open: enough that the system's core never idles


@dataclass(frozen=True)
class Workload:
    """One thing that every system is asked to do."""

    name: str
    title: str
    expected: Any  # parsed JSON
    calls: int  # upstream calls a screen may need; fewer means that work was shared between requests
    reference: str  # the row that ratios are given against
    limits: dict[str, float] = field(default_factory=dict)  # row -> the most that Thali may cost, as a ratio to it
    in_default: bool = False


def _pick(item: payloads.Item, *names: str, **renamed: str) -> payloads.Item:
    return {name: item[name] for name in names} | {new: item[old] for new, old in renamed.items()}


def whole() -> dict[str, Any]:
    """W1: the five answers under five keys."""
    return {
        "user": payloads.user(),
        "orders": payloads.orders(),
        "restaurants": payloads.restaurants(),
        "recommendations": payloads.recommendations(),
        "notifications": payloads.notifications(),
    }


def shaped() -> dict[str, Any]:
    """W1b: about half of the fields, some under other names."""
    person = payloads.user()
    return {
        "viewer": {**_pick(person, "name", "tier", "points", avatar="avatarUrl"), "city": person["address"]["city"]},
        "lastOrders": [
            _pick(order, "id", "status", "total", "currency", restaurant="restaurantName", at="placedAt")
            for order in payloads.orders()
        ],
        "nearby": [
            {
                **_pick(place, "id", "name", "cuisine", "rating", "open"),
                **_pick(place, minutes="deliveryMinutes", fee="deliveryFee", image="imageUrl"),
            }
            for place in payloads.restaurants()
        ],
        "picks": [
            _pick(dish, "id", "title", "price", "currency", place="restaurantName", image="imageUrl")
            for dish in payloads.recommendations()
        ],
        "inbox": [_pick(notice, "id", "title", "read", at="sentAt") for notice in payloads.notifications()],
    }


# W2: the selection, 290 leaf values; Thali asks the same inside its screen's field.
W2_SELECTION = """
  user { name tier points email address { city postcode } }
  orders { id restaurantName status total currency }
  restaurants { id name cuisine rating deliveryMinutes deliveryFee open imageUrl }
  recommendations { id title price imageUrl }
  notifications { id title body read }
"""


def selected() -> dict[str, Any]:
    """W2's answer."""
    person = payloads.user()
    return {
        "user": {
            **_pick(person, "name", "tier", "points", "email"),
            "address": _pick(person["address"], "city", "postcode"),
        },
        "orders": [_pick(order, "id", "restaurantName", "status", "total", "currency") for order in payloads.orders()],
        "restaurants": [
            _pick(place, "id", "name", "cuisine", "rating", "deliveryMinutes", "deliveryFee", "open", "imageUrl")
            for place in payloads.restaurants()
        ],
        "recommendations": [_pick(dish, "id", "title", "price", "imageUrl") for dish in payloads.recommendations()],
        "notifications": [_pick(notice, "id", "title", "body", "read") for notice in payloads.notifications()],
    }


W3_SELECTION = " posts { id title user { id name } } "


def feed() -> dict[str, Any]:
    """W3's answer: every post with its author."""
    authors = {person["id"]: _pick(person, "id", "name") for person in payloads.people()}
    return {"posts": [{**_pick(post, "id", "title"), "user": authors[post["userId"]]} for post in payloads.posts()]}


WORKLOADS = (
    Workload(
        "w1", "REST home screen, five backends joined", whole(), 5, "fastify",
        {"fastify": 0.55, "fastapi-aiohttp": 0.25, "thali (bare wire)": 1.25}, in_default=True,
    ),
    Workload("w1b", "the same, shaped and typed", shaped(), 5, "fastify", {"fastify": 0.55}),
    Workload(
        "w2", "the same by GraphQL, 290 leaf values", selected(), 5, "mercurius", {"mercurius": 0.5}, in_default=True
    ),
    Workload("w3", "GraphQL N+1: 100 posts, 10 authors, batch endpoint", feed(), 2, "mercurius", {"mercurius": 0.25}),
    Workload("w4", "proxied route, 2 KB", payloads.orders(), 1, "fastify", {"caddy": 1.0, "fastify": 0.9}),
    Workload("w5", "W1's time over the slowest backend, 50 screens a second", whole(), 5, "fastify", {"fastify": 1.1}),
)  # fmt: skip
