"""The usual answer is read by a shorter way: it must be to the longer one as if there were no shorter one."""

import random
from itertools import pairwise

import pytest

from bff.upstream.call import Reply
from bff.upstream.http1_answer import AnswerReader
from bff.upstream.http1_response import FramingError, ResponseReader
from tests.upstream.test_wire_framing import ABC, CAP, OK, REFUSED, SURPLUS, WHOLE

LIMITS = (500, 10, CAP)
PLAIN = OK + b"Content-Type: application/json\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n" + ABC
CORPUS = (
    *(raw for raw, _, _ in WHOLE.values()),
    *SURPLUS.values(),
    *REFUSED.values(),
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n",
    OK + b"Proxy-Connection: close\r\n" + ABC,
    OK + b"Connection: upgrade\r\nUpgrade: h2c\r\n" + ABC,
    OK + b"X: content-length: 4\r\n" + ABC,
    OK + b"X: y\r\n" * 9 + ABC,
    OK + b"a:\r\n" * 9 + ABC,
    OK + b"a:\r\n" * 10 + ABC,
)
PARTS = (
    *(b"\r\n", b"\r", b"\n", b"\x00", b" ", b"\t", b"\x0b", b"\x85", b"\xa0", b"0", b"9", b"-", b"+", b"_", b":", b","),
    *(b"content-length", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"),
    *(b"close", b"X: y\r\n", OK, b"Upgrade: x\r\n", b"Connection: upgrade\r\n"),
)
# How an answer ended: nothing yet, refused and why, or the piece that it ended with, what it is, and whether one may follow.
End = None | str | tuple[int, Reply, bool]


class Longer:
    """The longer way alone, with the face of the reader that takes it when it must."""

    def __init__(self) -> None:
        self.reader = AnswerReader(*LIMITS)

    def expect_no_body(self) -> None:
        self.reader.expect(bodiless=True)

    def feed(self, data: bytes) -> Reply | None:
        return self._taken() if self.reader.feed(data) else None

    def end(self) -> Reply | None:
        return self._taken() if self.reader.end() else None

    @property
    def reusable(self) -> bool:
        return self.reader.reusable

    def _taken(self) -> Reply:
        return self.reader.take("")


class Exchange:
    """An answer as it comes, spoilt or not: its pieces, whether it is to a HEAD, and whether the backend closes then."""

    def __init__(self, chance: random.Random) -> None:
        raw = bytearray(chance.choice(CORPUS) if chance.random() < 0.5 else PLAIN)
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3))):
            at = chance.randrange(len(raw) + 1)
            how = chance.random()
            if how < 0.4:
                raw[at:at] = chance.choice(PARTS)
            elif how < 0.7:
                raw[at : at + 1] = bytes([chance.randrange(256)])
            else:
                del raw[at : at + chance.randrange(1, 8)]
        cuts = [chance.randrange(len(raw) + 1) for _ in range(chance.choice((0, 0, 1, 2, 3)))]
        if chance.random() < 0.1:
            cuts = list(range(len(raw)))
        edges = sorted({0, len(raw), *cuts})
        self.pieces = [bytes(raw[start:end]) for start, end in pairwise(edges)]
        self.bodiless = chance.random() < 0.1
        self.closes = chance.random() < 0.5


def read(reader: ResponseReader | Longer, exchange: Exchange) -> End:
    if exchange.bodiless:
        reader.expect_no_body()
    elif isinstance(reader, Longer):
        reader.reader.expect(bodiless=False)
    try:
        for number, piece in enumerate(exchange.pieces):
            reply = reader.feed(piece)
            if reply is not None:
                return number, reply, reader.reusable
        reply = reader.end() if exchange.closes else None
    except FramingError as broken:
        return str(broken)
    return None if reply is None else (len(exchange.pieces), reply, reader.reusable)


def alike(one: End, other: End) -> bool:
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return one == other
    same = one[0] == other[0] and one[2] == other[2]
    return same and all(getattr(one[1], name) == getattr(other[1], name) for name in ("status", "headers", "body"))


@pytest.mark.parametrize("seed", range(20))
def test_answer_after_answer_is_read_as_by_the_longer_way_alone(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(500):
        both = ResponseReader(*LIMITS), Longer()
        for _ in range(4):
            exchange = Exchange(chance)
            short, long = (read(reader, exchange) for reader in both)
            assert alike(short, long), (exchange.pieces, exchange.bodiless, exchange.closes, short, long)
            if not isinstance(short, tuple) or not short[2]:
                break  # this connection carries no other answer


HEAD, BODY = PLAIN[:-3], PLAIN[-3:]


@pytest.mark.parametrize("pieces", [[PLAIN], [HEAD, BODY], [HEAD, b"a", b"b", b"c"]], ids=["whole", "in-two", "in-four"])
def test_the_usual_answer_takes_the_shorter_way(pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the comparison above would be of the longer way with itself."""
    monkeypatch.setattr("bff.upstream.http1_response.AnswerReader", None)
    reader = ResponseReader(*LIMITS)
    replies = [reader.feed(piece) for piece in pieces * 2]
    assert [reply.body for reply in replies if reply is not None] == [b"abc", b"abc"]
