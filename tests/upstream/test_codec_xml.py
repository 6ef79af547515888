"""The XML codec: the declared type decides what XML leaves open, and a DTD is never read."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pytest

from bff.upstream.codecs.codec import CodecError
from bff.upstream.codecs.xml import XmlCodec

XML = XmlCodec()


class State(Enum):
    PAID = "PAID"


class Line(msgspec.Struct):
    dish: str
    cents: int


class Receipt(msgspec.Struct):
    id: int
    state: State = State.PAID
    total: Decimal = Decimal(0)
    paid_at: datetime | None = None
    line: list[Line] = []
    note: str | None = None
    tip: int | None = None
    gift: bool = False


class Amount(msgspec.Struct):
    currency: str
    cents: int = msgspec.field(name="#text")


class Nested(msgspec.Struct):
    within: "Nested | None" = None


def read(body: str, kind: Any = Receipt) -> Any:
    return XML.decoder(kind)(body.encode())


def refused(body: str, kind: Any = Receipt) -> CodecError:
    with pytest.raises(CodecError) as caught:
        read(body, kind)
    return caught.value


def test_an_element_becomes_the_declared_type() -> None:
    receipt = read(
        """<?xml version="1.0"?><receipt xmlns="urn:pay" id="7">
             <state> PAID </state><total>12.50</total><paid_at>2026-05-01T12:00:00Z</paid_at>
             <line><dish> Söl &amp; salt </dish><cents>1250</cents></line><unknown><x/></unknown>
             <gift>true</gift><tip/><note/>
           </receipt>"""
    )
    when = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert receipt == Receipt(7, State.PAID, Decimal("12.50"), when, [Line(" Söl & salt ", 1250)], "", None, True)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_is_a_list_whatever_its_length(count: int) -> None:
    lines = "<line><dish>a</dish><cents>1</cents></line>" * count
    assert len(read(f"<r><id>1</id>{lines}</r>").line) == count
    assert len(read(f"<lines>{lines}</lines>", list[Line])) == count


def test_the_text_of_an_element_with_attributes_has_a_field() -> None:
    assert read('<amount currency="EUR"> 1250 </amount>', Amount) == Amount("EUR", 1250)


def test_nil_is_none() -> None:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    assert read(f'<r {xsi}><id>1</id><note xsi:nil="true"/></r>').note is None


def test_children_by_name_are_a_dictionary() -> None:
    assert read("<r><a>1</a><b>2</b></r>", dict[str, int]) == {"a": 1, "b": 2}


@pytest.mark.parametrize("number", ["9007199254740993", "18446744073709551617", " +5 ", "-3", "007"])
def test_an_integer_is_kept_exactly(number: str) -> None:
    assert read(f"<r><id>{number}</id></r>").id == int(number)
    assert read(f'<r id="{number}"/>').id == int(number)


@pytest.mark.parametrize("number", ["9007199254740993.0", "1.0", "1e3", "0x10", "1_0", "٣", "", "one"])
def test_what_is_no_integer_is_refused(number: str) -> None:
    assert refused(f"<r><id>{number}</id></r>").path == "$.id"
    assert refused(f'<r id="{number}"/>').path == "$.id"
    assert refused(f'<r currency="EUR">{number}</r>', Amount).fault == "Expected `int`"


def test_errors_name_the_place() -> None:
    line = "<line><dish>a</dish><cents>{}</cents></line>"
    assert refused(f"<r><id>1</id>{line.format(1)}{line.format('x')}</r>").path == "$.line[1].cents"
    assert refused("<r><id>1</id><id>2</id></r>").path == "$.id"
    assert refused("<r><id>1</id><note><b>2</b></note></r>").path == "$.note"
    assert refused("<r><id>1</id><state>LOST</state></r>").path == "$.state"
    assert refused("<r/>").fault == "Object missing required field `id`"


BOMB = '<!DOCTYPE r [<!ENTITY a "{}"><!ENTITY b "&a;&a;&a;">]><r><id>&b;</id></r>'.format("1" * 1000)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BOMB, id="entities"),
        pytest.param('<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r><id>&a;</id></r>', id="a file"),
        pytest.param('<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r><id>1</id></r>', id="a DTD elsewhere"),
        pytest.param('<!DOCTYPE r [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><r/>', id="a parameter entity"),
        pytest.param("<!DOCTYPE r><r><id>1</id></r>", id="a DTD that says nothing"),
    ],
)
def test_a_dtd_is_refused_before_it_is_read(body: str) -> None:
    assert refused(body).fault == "a DTD is not accepted"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"id": 1}', id="JSON"),
        pytest.param(b"<p>502<br></p>", id="HTML"),
        pytest.param(b"<r><id>1</id></r> more", id="more after it"),
        pytest.param(b"<r><id>1</id>", id="cut off"),
        pytest.param(b"<r>&nbsp;</r>", id="an unknown entity"),
        pytest.param(b'<?xml version="1.0" encoding="utf-7"?><r><id>1</id></r>', id="an unknown encoding"),
        pytest.param(b'<?xml version="1.0" encoding="hex"?><r><id>1</id></r>', id="an encoding that is none"),
        pytest.param(b"<r><note>\xff</note></r>", id="not UTF-8"),
        pytest.param(b"<within>" * 50_000 + b"</within>" * 50_000, id="50,000 deep"),
    ],
)
def test_what_is_not_xml_of_this_shape_is_refused(raw: bytes) -> None:
    with pytest.raises(CodecError):
        XML.decoder(Receipt)(raw)
    with pytest.raises(CodecError):
        XML.decoder(dict[str, Nested])(raw if raw.startswith(b"<within>") else b"")


@pytest.mark.parametrize("kind", [Line | Receipt, dict[str, list[int]], list[list[int]], tuple[int, str]])
def test_a_type_that_has_no_shape_in_xml_is_refused_when_the_decoder_is_made(kind: Any) -> None:
    with pytest.raises(TypeError):
        XML.decoder(kind)


def test_bodies_are_written_and_read_back() -> None:
    receipt = Receipt(1, note="<b> & ]]> \"'", line=[Line("a", 1), Line("b", 2)], paid_at=datetime(2026, 5, 1, tzinfo=UTC))
    raw = XML.encode(receipt)
    assert raw.startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<receipt><id>1</id>')
    assert XML.decoder(Receipt)(raw) == receipt


def test_the_root_is_named_by_the_codec_or_by_the_type() -> None:
    class CardPayment(msgspec.Struct):
        id: str = msgspec.field(name="@id")

    assert b'<card_payment id="&lt;7"' in XML.encode(CardPayment("<7"))
    assert b'<pay id="7"' in XmlCodec("pay").encode({"@id": 7})
    with pytest.raises(TypeError, match="root"):
        XML.encode({"id": 7})


def test_a_character_that_xml_cannot_hold_is_replaced() -> None:
    raw = XmlCodec("r").encode({"note": "a\x00\x0b\ufffe\ud800b"})
    assert XML.decoder(dict[str, str])(raw) == {"note": "a" + "\ufffd" * 4 + "b"}
