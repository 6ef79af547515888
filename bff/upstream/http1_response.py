"""The answers of one connection. Nearly all are of one kind, which is read here; http1_answer.py reads all the others.

The usual kind is one whose head comes in one piece, in HTTP/1.1, and has a Content-Length and nothing else that says how
the body or the connection ends. llhttp checks it like any other, so that no kind is read less strictly
(tests/upstream/test_wire_readers.py). What is saved is the state that the others need: 110 bytecodes an answer, not 400.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from bff.upstream.call import Reply
from bff.upstream.http1_answer import AnswerReader
from bff.upstream.http1_head import FramingError

__all__ = ["FramingError", "ResponseReader"]

# How an answer of the usual kind begins. One with a status below 200 or these two has no body, whatever its length says.
_STARTS: Final = {b"HTTP/1.1 %d" % status: status for status in range(200, 600) if status not in (204, 304)}
_LENGTH: Final = b"\r\ncontent-length:"
_DIGITS: Final = len(_LENGTH)
_SHORTEST: Final = len(b"a:\r\n")  # of headers
_NOBODY: Final = object()  # called back by llhttp for nothing: it only checks


class ResponseReader:
    """Reads the answers of one connection to `instance`, one after the other. `secure` says that it is TLS.

    `feed` what arrives until it gives the reply, after `expect_no_body` if it is to a HEAD. `reusable` then tells
    whether another request may follow on this connection (RFC 9112 section 9.3).
    """

    __slots__ = (
        "_any",
        "_begun",
        "_head",
        "_instance",
        "_left",
        "_max_body",
        "_max_head",
        "_max_headers",
        "_parser",
        "_parts",
        "_secure",
        "_small",
        "_status",
        "reusable",
    )

    def __init__(self, max_head: int, max_headers: int, max_body: int, *, instance: str = "", secure: bool = False) -> None:
        self._max_head, self._max_headers, self._max_body = max_head, max_headers, max_body
        self._instance, self._secure = instance, secure
        self._small = min(max_head, max_headers * _SHORTEST)  # a head up to here has neither too many bytes nor headers
        self._parser = HttpResponseParser(_NOBODY)  # has seen the answers of the usual kind, each to its end
        self._any: AnswerReader | None = None  # made when there is one of another kind
        self._begun = False  # an answer has begun and is not whole
        self._left = 0  # of its body, in bytes, if it is of the usual kind
        self._status, self._head = 0, b""
        self._parts: list[bytes] = []
        self.reusable = True

    def expect_no_body(self) -> None:
        """The next answer is to a HEAD."""
        self._begin_any(bodiless=True)

    def feed(self, data: bytes) -> Reply | None:
        """Take in what arrived; the reply once it is whole. FramingError when it cannot be one."""
        if self._begun:
            return self._go_on(data)
        end = data.find(b"\r\n\r\n") + 4
        head = data[:end]
        status = _STARTS.get(head[:12])
        lower = head.lower()
        at = lower.find(_LENGTH) + _DIGITS
        if (
            status is None
            or at < _DIGITS
            or lower.find(b"-encoding:") >= 0  # of either kind (`in` takes bytes for a number first: 2,000 instructions)
            or lower.find(b"close") >= 0  # wherever: one too many is read as well by the other way
            or (end > self._small and self._too_large(head))
        ):
            return self._feed_any(data)
        try:
            length = int(lower[at : lower.find(b"\r", at)])
            come = len(data) - end
            if come != length or length > self._max_body:
                return self._begin(status, head, data, length - come)
            self._parser.feed_data(data)
            return Reply(status, head, data[end:], self._instance)
        except (ValueError, HttpParserError, HttpParserUpgrade):
            pass
        return self._feed_any(data)  # which says what is wrong

    def end(self) -> Reply | None:
        """The backend has closed its side; the reply if that is how it ends (RFC 9112 section 6.3 rule 8)."""
        if self._any is None or not self._begun or self._left or not self._any.end():
            return None
        return self._take_any(self._any)

    def _too_large(self, head: bytes) -> bool:
        return len(head) > self._max_head or head.count(b"\r\n") - 2 > self._max_headers

    # A body of stated length that comes in pieces.

    def _begin(self, status: int, head: bytes, data: bytes, left: int) -> Reply | None:
        if left < 0 or len(data) - len(head) + left > self._max_body:
            return self._feed_any(data)
        self._parser.feed_data(data)
        self._begun, self._left = True, left
        self._status, self._head = status, head
        self._parts = [data[len(head) :]]
        return None

    def _go_on(self, data: bytes) -> Reply | None:
        left = self._left
        if not left:
            return self._feed_any(data)
        body = data[:left]
        self._parser.feed_data(body)
        self._parts.append(body)
        self._left = left = left - len(body)
        if left:
            return None
        # RFC 9112 section 6.3: what follows is not to be taken for another answer. This one stands.
        self.reusable = len(body) == len(data)
        parts, self._parts, self._begun = self._parts, [], False
        return Reply(self._status, self._head, b"".join(parts), self._instance)

    # Every other kind of answer.

    def _begin_any(self, *, bodiless: bool) -> AnswerReader:
        reader = self._any
        if reader is None:
            limits = self._max_head, self._max_headers, self._max_body
            reader = self._any = AnswerReader(*limits, secure=self._secure)
        reader.expect(bodiless=bodiless)
        self._begun = True
        return reader

    def _feed_any(self, data: bytes) -> Reply | None:
        reader = self._any if self._begun else None
        if reader is None:
            reader = self._begin_any(bodiless=False)
        return self._take_any(reader) if reader.feed(data) else None

    def _take_any(self, reader: AnswerReader) -> Reply:
        self._begun = False
        self.reusable = reader.reusable
        return reader.take(self._instance)
