"""The JSON codec: what a backend sends becomes the declared type, or a CodecError that names the place."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import msgspec
import orjson
import pytest

from bff.json import Json
from bff.upstream.codecs.codec import CodecError
from bff.upstream.codecs.json import JSON


class Item(msgspec.Struct):
    name: str
    price: int = 0


class Basket(msgspec.Struct, rename="camel"):
    sold_items: list[Item] = []
    total: float = 0.0


class Tree(msgspec.Struct):
    branch: "Tree | None" = None


@dataclass
class Order:
    dish: str
    count: int


read_item = JSON.decoder(Item)
read_json = JSON.decoder(Json)


def refused(raw: bytes, kind: Any = Item) -> CodecError:
    with pytest.raises(CodecError) as caught:
        JSON.decoder(kind)(raw)
    return caught.value


def test_unknown_fields_are_skipped() -> None:
    assert read_item(b'{"name": "Pizza", "price": 7, "new": {"a": [1, 2]}}') == Item("Pizza", 7)


def test_an_error_names_the_field_by_its_name_on_the_wire() -> None:
    error = refused(b'{"soldItems": [{"name": "a"}, {"name": "b", "price": "dear"}]}', Basket)
    assert error.path == "$.soldItems[1].price"
    assert str(error) == "$.soldItems[1].price: Expected `int`, got `str`"


def test_an_error_quotes_the_backend_only_in_part() -> None:
    class Choice(msgspec.Struct, tag=True):
        pass

    assert len(str(refused(b'{"type": "' + b"x" * 10_000 + b'"}', Choice))) < 300


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n", id="blank"),
        pytest.param(b"<!doctype html><p>502", id="html"),
        pytest.param(b'\xef\xbb\xbf{"name": "a"}', id="BOM"),
        pytest.param('{"name": "a"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"name": "a"', id="cut off"),
        pytest.param(b'{"name": "a"} x', id="more after it"),
        pytest.param(b'{"name": "a", "x": NaN}', id="NaN, even where it is skipped"),
        pytest.param(b'{"name": "a", "price": 1e400}', id="1e400"),
        pytest.param(b'{"name": "a", "price": 1.0}', id="1.0 for an int"),
        pytest.param(b'{"name": "a", "price": "1"}', id="text for an int"),
        pytest.param(b'{"name": "a", "price": true}', id="true for an int"),
        pytest.param(b'{"name": "a", "price": null}', id="null"),
        pytest.param(b'{"price": 1}', id="a field short"),
        pytest.param(b'{"name": "\\ud800abcdefgh"}', id="lone high surrogate"),
        pytest.param(b'{"name": "\\udc00abcdefgh"}', id="lone low surrogate"),
        pytest.param(b'{"name": "\xff"}', id="not UTF-8"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 deep"),
        pytest.param(b'{"name": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="100,000 deep, skipped"),
        pytest.param(b'{"name": "a", "price": ' + b"9" * 5_000 + b"}", id="5,000 digits"),
    ],
)
def test_what_is_not_the_promise_is_refused(raw: bytes) -> None:
    assert refused(raw).path.startswith("$")


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**100])
def test_an_int_is_never_rounded(number: int) -> None:
    assert read_item(b'{"name": "a", "price": %d}' % number).price == number
    assert JSON.decoder(list[Any])(b"[%d]" % number) == [number]


def test_of_doubled_keys_the_last_counts_and_each_must_fit() -> None:
    assert read_item(b'{"name": "a", "price": 1, "price": 2}').price == 2
    assert refused(b'{"name": "a", "price": "1", "price": 2}').path == "$.price"


def test_200_deep_is_read() -> None:
    tree = JSON.decoder(Tree)(b'{"branch":' * 200 + b"{}" + b"}" * 200)
    depth = 0
    while tree.branch is not None:
        tree, depth = tree.branch, depth + 1
    assert depth == 200
    assert read_item(b'{"name": "a", "x": ' + b"[" * 200 + b"]" * 200 + b"}").name == "a"


@pytest.mark.parametrize("kind", [list[Json], list[msgspec.Raw], dict[str, Json | None], list[Exception]])
def test_a_type_that_can_never_be_filled_is_a_bug_and_not_the_backends_fault(kind: Any) -> None:
    with pytest.raises(TypeError, match="holds"):
        JSON.decoder(kind)


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        (Basket([Item("Söl", 2**53 + 1)]), '{"soldItems":[{"name":"Söl","price":9007199254740993}],"total":0.0}'),
        (Order("soup", 2), '{"dish":"soup","count":2}'),
        ({"a": [1, None, True]}, '{"a":[1,null,true]}'),
        (Json(b'{"as": "it is"}'), '{"as": "it is"}'),
    ],
)
def test_bodies_are_written(body: object, raw: str) -> None:
    assert JSON.encode(body) == raw.encode()


@pytest.mark.parametrize("raw", [b"{}", b' {"a": [1, 2.5e3, "\xc3\xa9\\n\\u00e9\\ud83d\\ude00", null]}\n', b"1e400", b"[1, 1]"])
def test_json_is_passed_on_as_it_stands(raw: bytes) -> None:
    assert read_json(raw) == Json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<p>", id="html"),
        pytest.param(b"{} {}", id="two of them"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="BOM"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": 01}', id="leading zero"),
        pytest.param(b'{"a": "\x01"}', id="control character"),
        pytest.param(b'{"a": "\xff"}', id="not UTF-8"),
        pytest.param(b'{"\xff": 1}', id="a key that is not UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="surrogate in UTF-8"),
        pytest.param(b'{"a": "\\ud800abcdefgh"}', id="lone high surrogate"),
        pytest.param(b'{"a": "\\uDC00abcdefgh"}', id="lone low surrogate"),
        pytest.param(b'{"a": "\\ud83d\\ud83dabcdef"}', id="two high surrogates"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 deep"),
    ],
)
def test_json_that_would_break_the_answer_it_is_spliced_into_is_refused(raw: bytes) -> None:
    with pytest.raises(CodecError):
        read_json(raw)


def test_json_is_judged_as_a_full_decoder_judges_it() -> None:
    """The check is msgspec.Raw's, which builds nothing: this holds it to what orjson says of the same text."""
    pieces = [
        rb"\ud800",
        rb"\uDBFF",
        rb"\udc00",
        rb"\u0041",
        rb"\ud8",
        b"a",
        rb"\\",
        rb"\"",
        rb"\q",
        b"\xc3\xa9",
        b"\xc3",
        b"\n",
    ]
    verdicts = {True: 0, False: 0}
    for some in product(pieces, repeat=3):
        raw = b'{"a": ["%s"]}' % b"".join(some)
        verdicts[accepted(orjson.loads, raw)] += 1
        assert accepted(read_json, raw) == accepted(orjson.loads, raw), raw
    assert min(verdicts.values()) > 100


def accepted(read: Callable[[bytes], object], raw: bytes) -> bool:
    try:
        read(raw)
    except ValueError:
        return False
    return True
