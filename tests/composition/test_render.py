"""From values to bytes: names in camelCase, what was asked and nothing else, every kind in its one form."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import orjson
import pytest
import strawberry

from bff import Int64, Json
from bff.composition.outcome import Outcome
from bff.composition.render import meta, render, to_json
from bff.composition.selection import Selection, from_paths


class Tier(Enum):
    GOLD = "gold"


@dataclass
class Badge:
    full_name: str
    tier: Tier | None = None
    secret: strawberry.Private[str] = "canary"


@dataclass
class Comment:
    text: str
    replies: list["Comment"] = field(default_factory=list)
    parent: "Comment | None" = None


@dataclass
class Kinds:
    big: Int64
    price: Decimal
    when: datetime
    day: date
    at: time
    id: UUID
    tier: Tier
    raw: Json
    tiers: list[Tier]
    grid: list[list[Int64 | None]]
    maybe: Int64 | None = None


@dataclass
class Page:
    viewer: Badge | None = None
    last_orders: list[Badge] | None = None
    kinds: Kinds | None = None
    thread: Comment | None = None
    title: str = "t"


KINDS = Kinds(
    big=Int64(2**63 - 1),
    price=Decimal("1.50"),
    when=datetime(2026, 1, 31, 12, tzinfo=UTC),
    day=date(2026, 1, 31),
    at=time(12, 30),
    id=UUID(int=7),
    tier=Tier.GOLD,
    raw=Json(b'{"b":  1, "a":1e400}'),
    tiers=[Tier.GOLD, Tier.GOLD],
    grid=[[Int64(1), None], []],
)


def data(selection: Selection | None = None, **values: object) -> Any:  # Any: JSON of any shape
    whole = {"viewer": None, "last_orders": None, "kinds": None, "thread": None, "title": "t"} | values
    return orjson.loads(render(Page, selection, whole, {}))["data"]


def only(*paths: str) -> Selection:
    return from_paths(tuple(path.split(".")) for path in paths)


def test_what_was_not_asked_is_absent_and_what_is_not_there_is_null() -> None:
    assert data(only("viewer", "title")) == {"viewer": None, "title": "t"}
    assert data(only("viewer.full_name"), viewer=Badge("Ada")) == {"viewer": {"fullName": "Ada"}}
    assert data(only("viewer"), viewer=Badge("Ada")) == {"viewer": {"fullName": "Ada", "tier": None}}
    assert data(()) == {}


def test_names_are_camel_case_at_every_depth() -> None:
    whole = data(last_orders=[Badge("Ada")], thread=Comment("a"))
    assert list(whole) == ["viewer", "lastOrders", "kinds", "thread", "title"]
    assert list(whole["lastOrders"][0]) == ["fullName", "tier"]


def test_a_private_attribute_is_never_written() -> None:
    assert b"canary" not in render(Page, None, {"viewer": Badge("Ada")} | dict.fromkeys(Page.__dataclass_fields__), {})
    assert b"canary" not in render(Page, only("viewer"), {"viewer": Badge("Ada")}, {})


def test_every_kind_has_its_one_form() -> None:
    body = render(Page, only("kinds"), {"kinds": KINDS}, {})
    assert b'"raw":{"b":  1, "a":1e400}' in body  # spliced in unread
    kinds = orjson.loads(body.replace(b"1e400", b"1"))["data"]["kinds"]
    del kinds["raw"]
    assert kinds == {
        "big": "9223372036854775807",
        "price": "1.50",
        "when": "2026-01-31T12:00:00Z",
        "day": "2026-01-31",
        "at": "12:30:00",
        "id": "00000000-0000-0000-0000-000000000007",
        "tier": "GOLD",
        "tiers": ["GOLD", "GOLD"],
        "grid": [["1", None], []],
        "maybe": None,
    }


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00Z"),
        (datetime(2026, 1, 31, 12), "2026-01-31T12:00:00Z"),
        (datetime(2026, 1, 31, 1, tzinfo=timezone(timedelta(hours=2))), "2026-01-30T23:00:00Z"),
        (datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC), "2026-01-31T12:00:00.000005Z"),
    ],
)
def test_every_moment_is_written_in_utc(when: datetime, text: str) -> None:
    @dataclass
    class Moments:
        at: datetime
        all: list[datetime]
        maybe: datetime | None

    body = orjson.loads(render(Moments, None, {"at": when, "all": [when], "maybe": None}, {}))
    assert body["data"] == {"at": text, "all": [text], "maybe": None}


def test_a_type_that_holds_itself_is_written_as_deep_as_its_values_go() -> None:
    thread = Comment("a", [Comment("b", [Comment("c")]), Comment("d")])
    assert data(only("thread"), thread=thread)["thread"]["replies"][0]["replies"][0] == {
        "text": "c",
        "replies": [],
        "parent": None,
    }


def test_each_depth_of_a_type_that_holds_itself_has_its_own_selection() -> None:
    thread = Comment("a", [Comment("b", [Comment("c")])])
    chosen = data(only("thread.text", "thread.replies.replies.text"), thread=thread)
    assert chosen == {"thread": {"text": "a", "replies": [{"replies": [{"text": "c"}]}]}}
    family = Comment("a", [Comment("b")], Comment("c", [Comment("d")]))
    assert data(only("thread.replies", "thread.parent.text"), thread=family)["thread"] == {
        "replies": [{"text": "b", "replies": [], "parent": None}],
        "parent": {"text": "c"},
    }


def test_lists_of_lists_and_nulls_within_lists_are_kept() -> None:
    @dataclass
    class Grid:
        rows: list[list[Badge | None] | None]

    body = orjson.loads(render(Grid, None, {"rows": [[Badge("a"), None], None, []]}, {}))
    assert body["data"]["rows"] == [[{"fullName": "a", "tier": None}, None], None, []]


def test_meta_tells_the_verdicts_and_nothing_that_is_not_known() -> None:
    assert meta({}) == {"complete": True, "sections": {}}
    told = meta({"picks": Outcome("fallback", "timeout", "orders", retry_after=2.0), "note": Outcome("stale", age=61.5)})
    assert told == {
        "complete": False,
        "sections": {
            "picks": {"status": "fallback", "reason": "timeout", "service": "orders", "retryAfter": 2.0},
            "note": {"status": "stale", "age": 61.5},
        },
    }


def test_json_is_written_alike_wherever_it_is_written() -> None:
    value = {"at": datetime(2026, 1, 31), "price": Decimal("1.50"), "raw": Json(b"[ 1]"), "text": "ü\n"}
    assert to_json(value) == '{"at":"2026-01-31T00:00:00Z","price":"1.50","raw":[ 1],"text":"ü\\n"}'.encode()
    for unwritable in (object(), Badge("Ada")):  # a screen type has no names for clients until it is projected
        with pytest.raises(TypeError, match="not JSON serializable"):
            to_json({"a": unwritable})


def test_an_integer_above_64_bits_is_written_exactly_and_what_stands_beside_it_as_ever() -> None:
    """F10: no silent rounding, and no 500 for a number that a backend made up."""

    @dataclass
    class Counted:
        count: int
        at: datetime
        raw: Json

    values = {"count": 2**64, "at": datetime(2026, 11, 23, tzinfo=UTC), "raw": Json.check(b'{"a": [1]}')}
    body = render(Counted, None, values, {})
    assert body.startswith(b'{"data":{"count":18446744073709551616,"at":"2026-11-23T00:00:00Z","raw":{"a": [1]}}')
    assert msgspec.json.decode(body)["meta"] == {"complete": True, "sections": {}}
