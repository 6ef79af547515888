"""REST and GraphQL write every kind of value by the same bytes."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import NewType
from uuid import UUID

import orjson
import strawberry

from bff import Int64, Json, Screen, needs, section
from bff.composition.render import to_json
from bff.faces.graphql import Asked
from bff.faces.screen import Raw, ServedScreen, serve
from tests.faces.graphql_kit import APP, REQUEST_ID, schema, served


class Tier(Enum):
    GOLD = "GOLD"


Sku = NewType("Sku", str)


@strawberry.type
class Part:
    last_seen: datetime
    amount: Decimal


@strawberry.type
class All:
    text: str
    whole: int
    real: float
    flag: bool
    moment: datetime
    naive: datetime
    fine: datetime
    uid: UUID
    exact: Decimal
    big: Int64
    tier: Tier
    raw: Json
    sku: Sku
    some_parts: list[Part]
    many: list[list[str]]
    nothing: Int64 | None = None
    numbers: list[Int64] | None = None


async def test_rest_and_graphql_write_the_same_bytes() -> None:
    values = All(
        text='é "quoted"',
        whole=-5,
        real=0.1,
        flag=True,
        moment=datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC),
        naive=datetime(2026, 1, 31, 12, 0, 5),
        fine=datetime(2026, 1, 31, 12, 0, 5, 120, tzinfo=UTC),
        uid=UUID(int=7),
        exact=Decimal("10.50"),
        big=Int64(2**60),
        tier=Tier.GOLD,
        raw=Json.check(b'{"a" : [1e2,  "x"]}'),
        sku=Sku("s-1"),
        some_parts=[Part(last_seen=datetime(2026, 1, 1, tzinfo=UTC), amount=Decimal(1))],
        many=[["a"], []],
        numbers=[Int64(1), Int64(2**62)],
    )

    @section()
    async def text() -> str:
        return values.text

    template = All(**{**vars(values), "text": needs(text)})
    one = served(Screen("/all", template, apps=(APP,), guests=True))
    names = (
        "text whole real flag moment naive fine uid exact big tier raw sku someParts { lastSeen amount } many nothing numbers"
    )
    answered = await schema(one).answer(Asked(f"{{ all {{ {names} }} }}"), Raw(), REQUEST_ID)
    rest = orjson.loads((await serve(one, Raw())).body)["data"]
    assert to_json(answered.body["data"]) == b'{"all":' + (await _data(one)) + b"}"
    assert rest["moment"] == "2026-01-31T12:00:05Z"
    assert rest["big"] == str(2**60)
    assert rest["tier"] == "GOLD"
    assert b'{"a" : [1e2,  "x"]}' in to_json(answered.body)


async def _data(one: ServedScreen) -> bytes:
    body = (await serve(one, Raw())).body
    return body[len(b'{"data":') : body.index(b',"meta":')]
