"""What a client can send to an action: Views and all, judged strictly and wholly, and in little time whatever is sent."""

from datetime import UTC, date, datetime
from enum import Enum
from time import perf_counter
from typing import Annotated, Any, Optional
from uuid import UUID

import msgspec
import orjson
import pytest
from annotated_types import Ge, Len, MaxLen
from pydantic import Field

from bff import ID, App, View, action
from bff.composition.action_inputs import MAX_FAULTS, views_in
from bff.composition.action_models import MAX_ID, model_of
from bff.composition.action_plan import plan_action
from bff.composition.inputs import BadInput

SHOP = App("shop")


class Size(Enum):
    S = "S"
    L = "L"


class Part(View):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5, pattern="^[a-z]+$")]
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0


class Line(View):
    dish_id: ID
    quantity: Annotated[int, Ge(1)] = 1
    parts: Annotated[list[Part], Len(0, 2)] = []  # noqa: RUF012 - a Struct copies it
    tags: Annotated[tuple[Size, ...], MaxLen(2)] = ()
    json: bool | None = None


class Done(View):
    ok: bool = True


@action("/orders/{order_id}", apps=(SHOP,))
async def change(
    order_id: int,
    line: Line,
    at: datetime | None = None,
    day: date | None = None,
    uuid: UUID | None = None,
    size: Size = Size.S,
    copy: Annotated[str, Field(max_length=3)] = "x",
    more: Annotated[list[Line], Len(0, 9)] | None = None,
) -> Done:
    return Done()


INPUTS = plan_action(change).inputs


def parse(body: object, order_id: str = "7") -> dict[str, Any]:
    return INPUTS.parse({"orderId": order_id}, body if isinstance(body, bytes) else orjson.dumps(body))


def faults(body: object, order_id: str = "7") -> dict[str, str]:
    with pytest.raises(BadInput) as caught:
        parse(body, order_id)
    return {fault.name: fault.detail for fault in caught.value.faults}


def test_everything_given_arrives_as_its_type() -> None:
    given = parse(
        {
            "line": {"dishId": "d", "quantity": 2, "parts": [{"name": "ab", "share": 1}], "tags": ["S", "L"], "json": True},
            "at": "2026-01-31T12:00:00Z",
            "day": "2026-01-31",
            "uuid": "12345678-1234-5678-1234-567812345678",
            "size": "L",
            "copy": "abc",
            "more": [{"dishId": "e"}],
        }
    )
    assert given == {
        "order_id": 7,
        "line": Line(ID("d"), 2, [Part("ab", 1.0)], (Size.S, Size.L), True),
        "at": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "day": date(2026, 1, 31),
        "uuid": UUID("12345678-1234-5678-1234-567812345678"),
        "size": Size.L,
        "copy": "abc",
        "more": [Line(ID("e"))],
    }


def test_what_is_not_given_has_its_default() -> None:
    given = parse({"line": {"dishId": "d"}})
    assert given["line"] == Line(ID("d"))
    assert (given["size"], given["copy"], given["more"], given["at"]) == (Size.S, "x", None, None)


FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "a number as text": ({"line": {"dishId": 7}}, "line.dishId"),
    "text as a number": ({"line": {"dishId": "d", "quantity": "2"}}, "line.quantity"),
    "a truth as a number": ({"line": {"dishId": "d", "quantity": True}}, "line.quantity"),
    "a fraction as a number": ({"line": {"dishId": "d", "quantity": 1.5}}, "line.quantity"),
    "a number as a truth": ({"line": {"dishId": "d", "json": 1}}, "line.json"),
    "null": ({"line": {"dishId": "d", "quantity": None}}, "line.quantity"),
    "too few": ({"line": {"dishId": "d", "quantity": 0}}, "line.quantity"),
    "too long an id": ({"line": {"dishId": "d" * (MAX_ID + 1)}}, "line.dishId"),
    "too many": ({"line": {"dishId": "d", "parts": [{"name": "a"}] * 3}}, "line.parts"),
    "too many in a tuple": ({"line": {"dishId": "d", "tags": ["S"] * 3}}, "line.tags"),
    "a word that is none": ({"line": {"dishId": "d", "tags": ["XL"]}}, "line.tags.0"),
    "a pattern": ({"line": {"dishId": "d", "parts": [{"name": "A"}]}}, "line.parts.0.name"),
    "a range": ({"line": {"dishId": "d", "parts": [{"name": "a", "share": 0}]}}, "line.parts.0.share"),
    "too long a text": ({"line": {"dishId": "d"}, "copy": "abcd"}, "copy"),
    "S111 an unknown member": ({"line": {"dishId": "d"}, "role": "admin"}, "role"),
    "S111 an unknown member below": ({"line": {"dishId": "d", "role": "admin"}}, "line.role"),
    "its Python name": ({"line": {"dish_id": "d", "dishId": "d"}}, "line.dish_id"),
    "no moment": ({"line": {"dishId": "d"}, "at": 1}, "at"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_by_the_clients_own_name(case: str) -> None:
    body, name = FAULTS[case]
    assert list(faults(body)) == [name]


def test_the_paths_faults_and_the_bodys_are_told_together() -> None:
    assert set(faults({"copy": 7}, "seven")) == {"orderId", "line", "copy"}


def test_an_id_in_the_path_is_no_longer_than_one_in_the_body() -> None:
    @action("/dishes/{dish_id}", apps=(SHOP,))
    async def drop(dish_id: ID) -> Done:
        return Done()

    inputs = plan_action(drop).inputs
    assert inputs.parse({"dishId": "d" * MAX_ID}, b"{}") == {"dish_id": "d" * MAX_ID}
    with pytest.raises(BadInput, match="dishId"):
        inputs.parse({"dishId": "d" * (MAX_ID + 1)}, b"{}")


def test_there_is_an_end_to_what_is_told() -> None:
    told = faults({f"x{number}": 1 for number in range(1000)})
    assert len(told) == MAX_FAULTS + 1
    assert told[""] == f"and {1001 - MAX_FAULTS} more"


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^([a-z]+)*@$", "(x+x+)+y"])
def test_s108_a_pattern_takes_time_by_the_length_of_the_text_alone(pattern: str) -> None:
    @action("/x", apps=(SHOP,))
    async def matched(text: Annotated[str, Field(pattern=pattern, max_length=60_000)]) -> Done:
        return Done()

    inputs, body = plan_action(matched).inputs, orjson.dumps({"text": "a" * 50_000 + "!"})
    with pytest.raises(BadInput):
        inputs.parse({}, body)
    began = perf_counter()
    with pytest.raises(BadInput):
        inputs.parse({}, body)
    assert perf_counter() - began < 0.01


def test_views_are_found_wherever_they_stand() -> None:
    maybe = Optional[Annotated[list[Line], Len(0, 9)]]  # noqa: UP045 - pyright knows no `Annotated[...] | None` as a value
    assert views_in(maybe) == (Line, Part)
    assert views_in(str) == ()
    assert model_of(Line).__name__ == "LineInput"
