"""The gRPC codec: a .proto file is read as it is, its messages become the declared types."""

from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bff.errors import Refusal
from bff.upstream.codecs.codec import CodecError
from bff.upstream.codecs.grpc import GrpcMethod, ProtoFile

ECHO = Path(__file__).with_name("echo.proto")


class Mood(Enum):
    UNKNOWN = "MOOD_UNKNOWN"
    GLAD = "MOOD_GLAD"


class Part(msgspec.Struct):
    name: str
    price: int
    within: "Part | None" = None


class Question(msgspec.Struct, omit_defaults=True):
    text: str
    big: int = 0
    mood: Mood = Mood.UNKNOWN
    tags: list[str] = []
    at: datetime | None = None
    blob: bytes = b""


class Answer(msgspec.Struct):
    text: str
    big: int
    mood: Mood
    parts: list[Part]
    blob: bytes
    counts: dict[str, int]
    at: datetime | None = None
    rank: int | None = None


@pytest.fixture(scope="module")
def echo() -> ProtoFile:
    return ProtoFile(ECHO)


@pytest.fixture
def say(echo: ProtoFile) -> GrpcMethod:
    return echo.method("/echo.v1.Echo/Say")


@pytest.fixture
def answer(tmp_path: Path) -> GrpcMethod:
    """A method that asks with an Answer, so that `encode` makes the bytes that `say` decodes."""
    text = ECHO.read_text().replace("rpc Say(Question)", "rpc Say(Answer)")
    Path(tmp_path, "same_names.proto").write_text(text)
    return ProtoFile(tmp_path / "same_names.proto").method("/echo.v1.Echo/Say")


def test_an_answer_becomes_the_declared_type(say: GrpcMethod, answer: GrpcMethod) -> None:
    sent = Answer(
        text="Söl",
        big=2**63 - 1,
        mood=Mood.GLAD,
        parts=[Part("a", 2**64 - 1, Part("b", 0))],
        blob=b"\x00\xff",
        counts={"a": 2**53 + 1},
        at=datetime(2026, 5, 1, 12, 0, 0, 250_000, UTC),
        rank=0,
    )
    assert say.decoder(Answer)(answer.encode(sent)) == sent


def test_what_was_not_sent_is_its_default(say: GrpcMethod) -> None:
    assert say.decoder(Answer)(b"") == Answer("", 0, Mood.UNKNOWN, [], b"", {}, None, None)


def test_a_request_is_written_from_a_struct_or_from_plain_values(say: GrpcMethod) -> None:
    question = Question("hi", 2**53 + 1, Mood.GLAD, ["a"], datetime(2026, 5, 1, tzinfo=UTC), b"\x00\xff")
    plain = {"text": "hi", "big": 2**53 + 1, "mood": "MOOD_GLAD", "tags": ["a"], "at": question.at, "blob": b"\x00\xff"}
    assert say.encode(question) == say.encode(plain)
    assert say.encode(Question("hi")) == b"\x0a\x02hi"


def test_a_body_that_the_message_cannot_hold_is_our_bug(say: GrpcMethod) -> None:
    for body in ({"txt": "hi"}, {"big": 2**63}, {"text": 7}):
        with pytest.raises(TypeError, match=r"echo\.v1\.Question cannot hold this body"):
            say.encode(body)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\xff\xff", id="no message"),
        pytest.param(b'{"text": "hi"}', id="JSON"),
        pytest.param(b"\x0a\x05hi", id="cut off"),
        pytest.param(b"\x0a\x01\xff", id="text that is not UTF-8"),
        pytest.param(b"\x18\x63", id="an enum value that the .proto does not know"),
        pytest.param(b"\x2a\x0a\x08" + b"\x80" * 8 + b"\x40", id="a time out of range"),
        pytest.param(b"\x4a\x05\x0a\x03a/b", id="an Any of a message that the .proto does not know"),
    ],
)
def test_what_is_not_the_promise_is_refused(say: GrpcMethod, raw: bytes) -> None:
    with pytest.raises(CodecError) as caught:
        say.decoder(Answer)(raw)
    assert caught.value.path.startswith("$")


def test_an_answer_nested_without_end_is_refused(say: GrpcMethod) -> None:
    raw = b""
    for _ in range(1_000):
        raw = b"\x1a" + _length(raw) + raw
    with pytest.raises(CodecError):
        say.decoder(Answer)(b"\x22" + _length(raw) + raw)


def _length(raw: bytes) -> bytes:
    low, high, top = len(raw) & 127, len(raw) >> 7 & 127, len(raw) >> 14
    return bytes([low | 128, high | 128, top])


def test_a_field_that_the_proto_does_not_have_is_refused_when_the_decoder_is_made(say: GrpcMethod) -> None:
    class Wrong(msgspec.Struct):
        naem: str = ""

    class Outer(msgspec.Struct):
        parts: list[Wrong] = []

    for kind in (Wrong, Outer):
        wrong: Any = kind
        with pytest.raises(TypeError, match="naem"):
            say.decoder(wrong)


def test_a_method_that_cannot_be_called_is_refused_with_what_there_is(echo: ProtoFile) -> None:
    with pytest.raises(Refusal, match=r"echo\.proto: no method /echo\.v1\.Echo/Sya; it has /echo\.v1\.Echo/Say, "):
        echo.method("/echo.v1.Echo/Sya")
    with pytest.raises(Refusal, match="no method /other"):
        echo.method("/other.Service/Say")
    with pytest.raises(Refusal, match="streams"):
        echo.method("/echo.v1.Echo/Watch")


def test_a_faulty_proto_is_refused_with_its_line_and_nothing_goes_to_standard_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path(tmp_path, "bad.proto").write_text('syntax = "proto3";\nmessage {}\n')
    with pytest.raises(Refusal, match=r"bad\.proto:2:9: Expected message name"):
        ProtoFile(tmp_path / "bad.proto")
    with pytest.raises(Refusal, match=r"no such \.proto file"):
        ProtoFile(tmp_path / "none.proto")
    assert capfd.readouterr().out == ""


def test_imports_are_found_beside_the_file_and_in_the_folders_given(tmp_path: Path) -> None:
    Path(tmp_path, "own").mkdir()
    Path(tmp_path, "shared").mkdir()
    Path(tmp_path, "shared", "money.proto").write_text('syntax = "proto3"; message Money { int64 cents = 1; }')
    text = 'syntax = "proto3"; import "money.proto"; service Till { rpc Pay(Money) returns (Money); }'
    Path(tmp_path, "own", "till.proto").write_text(text)
    with pytest.raises(Refusal, match=r"money\.proto"):
        ProtoFile(tmp_path / "own/till.proto")
    till = ProtoFile(tmp_path / "own/till.proto", include=[tmp_path / "shared"]).method("/Till/Pay")
    assert till.decoder(dict[str, int])(till.encode({"cents": 7})) == {"cents": 7}
