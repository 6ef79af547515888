"""What is an answer and what is not, by raw bytes; each fed in one piece and byte by byte, which must not matter."""

import gzip
from dataclasses import dataclass

import pytest

from bff.upstream.call import Reply
from bff.upstream.http1_response import FramingError, ResponseReader

OK = b"HTTP/1.1 200 OK\r\n"
ABC = b"Content-Length: 3\r\n\r\nabc"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CAP = 1000


@dataclass
class Read:
    reply: Reply
    reusable: bool


def read(raw: bytes, method: str = "GET", *, piece: int = 0, end: bool = False) -> Read | None:
    """Feed `raw` in pieces of that size (0: all at once); None if the answer is not whole by then."""
    reader = ResponseReader(max_head=500, max_headers=10, max_body=CAP)
    if method == "HEAD":
        reader.expect_no_body()
    reply = None
    step = piece or len(raw)
    for start in range(0, len(raw), step):
        if reply is not None:
            break  # later pieces meet an idle connection, which closes on them
        reply = reader.feed(raw[start : start + step])
    if end and reply is None:
        reply = reader.end()
    return Read(reply, reader.reusable) if reply is not None else None


PIECES = pytest.mark.parametrize("piece", [0, 1, 7], ids=["at-once", "by-byte", "by-seven"])

WHOLE = {
    "length": (OK + ABC, b"abc", True),
    "length-in-tabs": (OK + b"Content-Length:\t3 \t\r\n\r\nabc", b"abc", True),
    "length-zero": (OK + b"Content-Length: 0\r\n\r\n", b"", True),
    "length-zero-and-close": (OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n", b"", False),
    "chunked": (CHUNKED + b"1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n", b"abc", True),
    "chunked-in-capitals": (OK + b"Transfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc", True),
    "trailers-dropped": (CHUNKED + b"3\r\nabc\r\n0\r\nX-Total: 1\r\n\r\n", b"abc", True),
    "close": (OK + b"Connection: close\r\n" + ABC, b"abc", False),
    "close-in-a-list": (OK + b"Connection: keep-alive, close\r\n" + ABC, b"abc", False),
    "1.0": (b"HTTP/1.0 200 OK\r\n" + ABC, b"abc", False),
    "1.0-kept": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + ABC, b"abc", True),
    "no-reason": (b"HTTP/1.1 200 \r\n" + ABC, b"abc", True),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "204-with-length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", b"", True),
    "304-with-length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n", b"", True),
    "100-first": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + ABC, b"abc", True),
    "103-with-headers-first": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + ABC, b"abc", True),
    "100-with-length-first": (b"HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n" + OK + ABC, b"abc", True),
    "length-of-exactly-the-cap": (OK + b"Content-Length: %d\r\n\r\n" % CAP + b"x" * CAP, b"x" * CAP, True),
}


@PIECES
@pytest.mark.parametrize(("raw", "body", "reusable"), WHOLE.values(), ids=WHOLE)
def test_an_answer_is_read_whole(raw: bytes, body: bytes, reusable: bool, piece: int) -> None:
    found = read(raw, piece=piece)
    assert found is not None
    assert (found.reply.body, found.reusable) == (body, reusable)


@PIECES
@pytest.mark.parametrize(("raw", "body", "reusable"), WHOLE.values(), ids=WHOLE)
def test_an_answer_is_not_whole_a_byte_before_its_end(raw: bytes, body: bytes, reusable: bool, piece: int) -> None:
    assert read(raw[:-1], piece=piece, end=True) is None


SURPLUS = {
    "a-letter": OK + ABC + b"X",
    "an-empty-line": OK + ABC + b"\r\n",
    "another-answer": (OK + ABC) * 2,
    "after-no-body": b"HTTP/1.1 204 No Content\r\n\r\n" + OK + ABC,
    "body-of-a-204": b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
    "chunks-of-a-204": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "body-of-a-304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc",
    "after-length-zero": OK + b"Content-Length: 0\r\n\r\nabc",
    "letter-after-chunks": CHUNKED + b"3\r\nabc\r\n0\r\n\r\nX",
    "empty-line-after-chunks": CHUNKED + b"3\r\nabc\r\n0\r\n\r\n\r\n",
    "answer-after-chunks": CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + OK + ABC,
    "after-close": OK + b"Connection: close\r\n" + ABC + OK + ABC,
}


@pytest.mark.parametrize("raw", SURPLUS.values(), ids=SURPLUS)
def test_bytes_after_the_end_let_the_answer_stand_and_end_the_connection(raw: bytes) -> None:
    found = read(raw)
    assert found is not None
    assert found.reply.body in (b"abc", b"")
    assert not found.reusable


REFUSED = {
    "length-and-chunked": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "chunked-and-length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two-lengths": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the-same-length-twice": OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "length-list": OK + b"Content-Length: 3, 3\r\n\r\nabc",
    "length-plus": OK + b"Content-Length: +3\r\n\r\nabc",
    "length-minus": OK + b"Content-Length: -3\r\n\r\nabc",
    "length-hex": OK + b"Content-Length: 0x3\r\n\r\nabc",
    "length-underscore": OK + b"Content-Length: 1_0\r\n\r\nabcabcabca",
    "length-empty": OK + b"Content-Length: \r\n\r\nabc",
    "length-spaced": OK + b"Content-Length: 1 3\r\n\r\nabc",
    "length-overflow": OK + b"Content-Length: 18446744073709551619\r\n\r\nabc",
    "length-over-the-cap": OK + b"Content-Length: %d\r\n\r\n" % (CAP + 1),
    "coding-list": OK + b"Transfer-Encoding: identity, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "coding-gzip-chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "coding-chunked-twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "coding-in-two-lines": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-not-last": OK + b"Transfer-Encoding: chunked, identity\r\n\r\nabc",
    "coding-identity": OK + b"Transfer-Encoding: identity\r\n\r\nabc",
    "coding-look-alike": OK + b"Transfer-Encoding: xchunked\r\n\r\nabc",
    "coding-parameter": OK + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "coding-comma": OK + b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
    "coding-empty": OK + b"Transfer-Encoding: \r\n\r\nabc",
    "coding-before-colon": OK + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "coding-in-1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "coding-of-a-304": b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: gzip\r\n\r\n",
    "fold": OK + b"X: y\r\n z\r\n" + ABC,
    "fold-by-tab": OK + b"X: y\r\n\tz\r\n" + ABC,
    "fold-first": OK + b" X: y\r\n" + ABC,
    "space-before-colon": OK + b"X : y\r\n" + ABC,
    "no-colon": OK + b"Xy\r\n" + ABC,
    "no-name": OK + b": y\r\n" + ABC,
    "bad-name": OK + b"X(y: z\r\n" + ABC,
    "bare-lf-everywhere": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "bare-lf": OK + b"X: y\n" + ABC,
    "bare-cr": OK + b"X: y\rZ: 1\r\n" + ABC,
    "nul": OK + b"X: y\x00z\r\n" + ABC,
    "control": OK + b"X: y\x01z\r\n" + ABC,
    "delete": OK + b"X: y\x7fz\r\n" + ABC,
    "cr-in-reason": b"HTTP/1.1 200 a\rb\r\n" + ABC,
    "version-0.9": b"HTTP/0.9 200 OK\r\n" + ABC,
    "version-1.2": b"HTTP/1.2 200 OK\r\n" + ABC,
    "version-2": b"HTTP/2.0 200 OK\r\n" + ABC,
    "version-lower-case": b"http/1.1 200 OK\r\n" + ABC,
    "rtsp": b"RTSP/1.0 200 OK\r\n" + ABC,
    "icy": b"ICY 200 OK\r\n" + ABC,
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a-request": b"GET / HTTP/1.1\r\n\r\n",
    "empty-lines-first": b"\r\n\r\n" + OK + ABC,
    "status-000": b"HTTP/1.1 000 No\r\n" + ABC,
    "status-two-digits": b"HTTP/1.1 20 No\r\n" + ABC,
    "status-four-digits": b"HTTP/1.1 2000 No\r\n" + ABC,
    "status-600": b"HTTP/1.1 600 No\r\n" + ABC,
    "101": b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "101-plain": b"HTTP/1.1 101 Switching\r\n\r\n" + OK + ABC,
    "101-alone": b"HTTP/1.1 101 Switching\r\n\r\n",
    "interim-without-end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9,
    "interim-that-closes": b"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n" + OK + ABC,
    "chunk-size": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "chunk-size-hex": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk-size-minus": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "chunk-size-space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "chunk-size-empty": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "chunk-size-overflow": CHUNKED + b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "chunk-too-long": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "chunk-bare-lf": CHUNKED + b"3\nabc\n0\n\n",
    "chunk-extension-lf": CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "chunk-extension-without-end": CHUNKED + b"3;a=" + b"x" * 600,
    "chunks-over-the-cap": CHUNKED + b"1f4\r\n%b\r\n" % (b"x" * 500) * 3,
    "trailer-length": CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 1\r\n\r\n",
    "trailers-without-end": CHUNKED + b"3\r\nabc\r\n0\r\n" + b"X: yyyyyyyy\r\n" * 60,
    "head-without-end": OK + b"X: " + b"y" * 600,
    "head-over-the-cap": OK + b"X: " + b"y" * 600 + b"\r\n" + ABC,
    "headers-over-the-cap": OK + b"X: y\r\n" * 10 + ABC,
    "body-to-close-over-the-cap": OK + b"\r\n" + b"x" * (CAP + 1),
    "content-coding-br": OK + b"Content-Encoding: br\r\n" + ABC,
    "content-coding-twice": OK + b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n" + ABC,
    "content-coding-list": OK + b"Content-Encoding: gzip, gzip\r\n" + ABC,
    "gzip-that-is-none": OK + b"Content-Encoding: gzip\r\n" + ABC,
}


@PIECES
@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_an_answer_that_breaks_framing_is_refused(raw: bytes, piece: int) -> None:
    with pytest.raises(FramingError):
        read(raw, piece=piece, end=True)


@PIECES
def test_a_body_without_length_ends_with_the_connection_which_is_never_reused(piece: int) -> None:
    raw = OK + b"Content-Type: text/plain\r\n\r\nabc"
    assert read(raw, piece=piece) is None
    found = read(raw, piece=piece, end=True)
    assert found is not None
    assert (found.reply.body, found.reusable) == (b"abc", False)


@PIECES
@pytest.mark.parametrize("coding", [b"Content-Length: 5000", b"Transfer-Encoding: chunked"])
def test_the_answer_to_head_has_no_body(coding: bytes, piece: int) -> None:
    found = read(OK + coding + b"\r\nContent-Encoding: gzip\r\n\r\n", "HEAD", piece=piece)
    assert found is not None
    assert (found.reply.body, found.reusable) == (b"", True)
    assert found.reply.header(b"content-encoding") == b"gzip"


def test_one_reader_reads_answer_after_answer() -> None:
    reader = ResponseReader(max_head=500, max_headers=10, max_body=CAP)
    reply = None
    for method, raw in (
        ("HEAD", OK + b"Content-Length: 3\r\n\r\n"),
        ("GET", OK + ABC),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n"),
        ("GET", CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"),
        ("GET", OK + b"X-Last: 1\r\n" + ABC),
    ):
        if method == "HEAD":
            reader.expect_no_body()
        reply = reader.feed(raw)
        assert reply is not None
        assert reader.reusable
    assert reply is not None
    assert reply.headers == [(b"x-last", b"1"), (b"content-length", b"3")]


def test_header_names_are_lower_case_and_values_trimmed() -> None:
    found = read(OK + b"X-A:  b c \t\r\nX-Empty:\r\nx-a: \xe9:d\r\n" + ABC)
    assert found is not None
    assert found.reply.headers[:3] == [(b"x-a", b"b c"), (b"x-empty", b""), (b"x-a", b"\xe9:d")]


# gzip


def gzipped(packed: bytes, headers: bytes = b"Content-Encoding: gzip\r\n") -> bytes:
    return OK + headers + b"Content-Length: %d\r\n\r\n" % len(packed) + packed


@PIECES
@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip", b"GZIP"])
def test_a_gzip_body_comes_unfolded_without_the_headers_that_described_it(coding: bytes, piece: int) -> None:
    found = read(gzipped(gzip.compress(b"abc" * 300), b"Content-Encoding: %b\r\nX: y\r\n" % coding), piece=piece)
    assert found is not None
    assert found.reply.body == b"abc" * 300
    assert found.reply.headers == [(b"x", b"y")]


@PIECES
@pytest.mark.parametrize("size", [CAP, CAP + 1])
def test_a_gzip_body_may_unfold_to_the_cap_and_not_a_byte_more(size: int, piece: int) -> None:
    raw = gzipped(gzip.compress(b"x" * size))
    if size > CAP:
        with pytest.raises(FramingError, match="more than 1000"):
            read(raw, piece=piece)
    else:
        found = read(raw, piece=piece)
        assert found is not None
        assert len(found.reply.body) == size


@PIECES
@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"abc")[:-1], gzip.compress(b"abc")[:-8], gzip.compress(b"abc") * 2, gzip.compress(b"abc") + b"x"],
    ids=["a-byte-short", "no-checksum", "two-streams", "surplus"],
)
def test_a_gzip_body_that_is_not_exactly_one_stream_is_refused(packed: bytes, piece: int) -> None:
    with pytest.raises(FramingError):
        read(gzipped(packed), piece=piece)


def test_a_gzip_body_with_a_wrong_checksum_is_refused() -> None:
    packed = bytearray(gzip.compress(b"abc"))
    packed[-5] ^= 1
    with pytest.raises(FramingError, match="gzip"):
        read(gzipped(bytes(packed)))


def test_an_empty_body_said_to_be_gzip_is_empty() -> None:
    found = read(gzipped(b""))
    assert found is not None
    assert found.reply.body == b""
