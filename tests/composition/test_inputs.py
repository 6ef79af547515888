"""A screen's inputs: validated by their types, named as clients name them, every fault told at once."""

import inspect
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pytest
from annotated_types import Len
from pydantic import Field, StringConstraints

from bff import ID
from bff.composition.inputs import BadInput, Inputs, input_fault
from bff.composition.signature import read


class Sort(Enum):
    NAME = "NAME"
    PRICE = "PRICE"


class Crooked(Enum):
    NAME = "by name"


def inputs_of(function: Any) -> Inputs:  # Any: a section's function of any signature
    signature, faults = read(function, "here")
    assert faults == []
    return Inputs("page", signature.parameters)


async def everything(
    item_id: str,
    page_size: Annotated[int, Field(ge=1, le=50)] = 10,
    sort: Sort = Sort.NAME,
    exact: bool = False,
    ratio: float = 1.0,
    since: datetime | None = None,
    day: date | None = None,
    near: UUID | None = None,
    tags: Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Len(max_length=2)] = [],  # noqa: B006 - read, never written
) -> str:
    return ""


def test_texts_become_the_declared_types_by_the_names_of_the_parameters() -> None:
    given = {
        "itemId": "7", "pageSize": "5", "sort": "PRICE", "exact": "true", "ratio": "0.5", "since": "2026-01-31T12:00:00Z",
        "day": "2026-01-31", "near": "12345678-1234-5678-1234-567812345678", "tags": ["a", "b"],
    }  # fmt: skip
    parsed = inputs_of(everything).parse(given)
    assert parsed == {
        "item_id": "7", "page_size": 5, "sort": Sort.PRICE, "exact": True, "ratio": 0.5,
        "since": datetime.fromisoformat("2026-01-31T12:00:00Z"), "day": date(2026, 1, 31),
        "near": UUID("12345678-1234-5678-1234-567812345678"), "tags": ["a", "b"],
    }  # fmt: skip


def test_what_is_not_given_has_its_default() -> None:
    parsed = inputs_of(everything).parse({"itemId": "7"})
    assert (parsed["page_size"], parsed["sort"], parsed["tags"], parsed["since"]) == (10, Sort.NAME, [], None)


def test_a_default_list_is_each_requests_own() -> None:
    inputs = inputs_of(everything)
    first, second = inputs.parse({"itemId": "7"}), inputs.parse({"itemId": "7"})
    assert first["tags"] is not second["tags"]


def test_every_fault_is_told_by_the_clients_name() -> None:
    with pytest.raises(BadInput) as caught:
        inputs_of(everything).parse({"pageSize": "51", "sort": "price", "tags": ["a", ""], "item_id": "7"})
    told = {fault.name: fault.detail for fault in caught.value.faults}
    assert told.keys() == {"itemId", "pageSize", "sort", "tags.1", "item_id"}
    assert told["itemId"] == "Field required"
    assert told["pageSize"] == "Input should be less than or equal to 50"
    assert told["item_id"].startswith("is not an input of this screen; it takes: itemId, pageSize, sort")


@pytest.mark.parametrize("value", ["", "1.5", "many", "0x1", "1e999", "\x00", "\uff19" * 50, "9" * 5_000])
def test_a_number_that_is_none_is_a_fault_and_no_bug(value: str) -> None:
    with pytest.raises(BadInput):
        inputs_of(everything).parse({"itemId": "7", "pageSize": value})


def test_a_list_longer_than_its_limit_is_refused() -> None:
    with pytest.raises(BadInput, match="tags"):
        inputs_of(everything).parse({"itemId": "7", "tags": ["a", "b", "c"]})


def test_a_screen_without_inputs_takes_none() -> None:
    async def nothing() -> str:
        return ""

    inputs = inputs_of(nothing)
    assert inputs.parse({}) == {}
    with pytest.raises(BadInput, match="it takes: none"):
        inputs.parse({"a": "1"})


def test_an_input_may_have_any_name() -> None:
    """Those of pydantic's own attributes among them: a warning is an error here."""

    async def odd(json: str, copy: str, schema: str, model_id: str, model_dump: str, _under: str, class_: str) -> str:
        return ""

    inputs = inputs_of(odd)
    given: dict[str, object] = dict.fromkeys(("json", "copy", "schema", "modelId", "modelDump", "Under", "class_"), "1")
    assert inputs.parse(given) == dict.fromkeys(inspect.signature(odd).parameters, "1")


def test_names_in_the_path_and_lists_are_known_by_the_clients_names() -> None:
    inputs = inputs_of(everything)
    assert inputs.in_path("itemId", ("item_id",))
    assert not inputs.in_path("item_id", ("item_id",))
    assert not inputs.in_path("pageSize", ("item_id",))
    assert inputs.is_list("tags")
    assert not inputs.is_list("itemId")
    assert not inputs.is_list("nope")


async def refusable(
    fine: str,
    maybe: int | None,
    bounded: Annotated[list[int], Field(max_length=3)],
    unbounded: list[int],
    minimum: Annotated[list[int], Len(min_length=1)],
    mixed: int | str,
    thing: dict[str, str],
    crooked: Crooked,
    sections: str,
    fields: str,
    nested: Annotated[list[list[int]], Len(max_length=3)],
) -> str:
    return ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fine", None),
        ("maybe", None),
        ("bounded", None),
        ("unbounded", "is a list without a limit"),
        ("minimum", "is a list without a limit"),
        ("mixed", "which is neither a section's value"),
        ("thing", "which is neither a section's value"),
        ("crooked", "whose values are not its names"),
        ("sections", "has a name that every screen's own parameters use"),
        ("fields", "has a name that every screen's own parameters use"),
        ("nested", "which is neither a section's value"),
    ],
)
def test_a_parameter_that_no_client_could_give_is_refused(name: str, words: str | None) -> None:
    signature, _ = read(refusable, "here")
    parameter = next(found for found in signature.parameters if found.name == name)
    fault = input_fault(parameter)
    assert fault is None if words is None else fault is not None and words in fault


async def of_ids(item_id: ID, others: Annotated[list[ID], Len(max_length=2)] = [], near: ID | None = None) -> str:  # noqa: B006 - as above
    return ""


@pytest.mark.parametrize(
    "given", [{"itemId": "7" * 129}, {"itemId": "7", "others": ["7" * 129]}, {"itemId": "7", "near": "7" * 129}]
)
def test_an_id_is_no_longer_than_is_documented(given: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="at most 128"):
        inputs_of(of_ids).parse(given)
    inputs_of(of_ids).parse({"itemId": "7" * 128, "others": ["7" * 128], "near": "7" * 128})
