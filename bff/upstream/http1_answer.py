"""One HTTP/1.1 answer of any kind, read strictly: bytes in, a whole Reply out, and never a guess about where it ends.

llhttp (in httptools 0.9) refuses, as tried with raw bytes in tests/upstream/test_wire_framing.py: Content-Length beside
Transfer-Encoding, doubled or malformed lengths, obs-fold, bare CR and LF, control characters in values, bad names and
bad chunks. It lets pass, and we refuse: codings other than exactly `chunked`, chunked in HTTP/1.0, versions other than
1.0 and 1.1, RTSP and ICY, empty lines before the status line, statuses outside 100-599, any number or size of headers.
It swallows what follows a message, so we find each message's end ourselves.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from bff.upstream.call import Reply
from bff.upstream.http1_head import FramingError, Head, head_end, headers_of
from bff.upstream.inflate import InflateError, Inflater

# RFC 9110 section 15.2 lets any number come first; a backend that sends more than these is playing for time.
_MAX_INTERIM: Final = 8
# One-byte chunks cost 5 bytes of framing each; more than 8 for a byte of body is extensions or trailers without end.
_CHUNK_OVERHEAD: Final = 8


class AnswerReader:
    """Reads answers of one connection, one after the other. `secure` says that it is TLS.

    `expect` before each, `feed` what arrives until it says True, then `take` the reply. `reusable` then tells whether
    another request may follow on this connection (RFC 9112 section 9.3).
    """

    __slots__ = (
        "_bodiless",
        "_chunked",
        "_head",
        "_inflater",
        "_interims",
        "_left",
        "_max_body",
        "_max_head",
        "_max_headers",
        "_parser",
        "_partial",
        "_parts",
        "_raw",
        "_secure",
        "_size",
        "_status",
        "_whole",
        "_wire_size",
        "reusable",
    )

    def __init__(self, max_head: int, max_headers: int, max_body: int, *, secure: bool = False) -> None:
        self._max_head, self._max_headers, self._max_body = max_head, max_headers, max_body
        self._secure = secure
        self.expect(bodiless=False)

    def expect(self, *, bodiless: bool) -> None:
        """Make ready for the next answer; `bodiless` if it is to a HEAD."""
        # llhttp reads heads and chunks; a body of known length goes past it, so each answer has a parser of its own.
        self._parser = HttpResponseParser(self)
        self._bodiless = bodiless
        self._head: Head | None = None
        self._raw = b""
        self._parts: list[bytes] = []
        self._partial = b""
        self._status = self._size = self._wire_size = self._interims = 0
        self._left: int | None = None  # bytes of body still due, when Content-Length tells
        self._chunked = self._whole = self.reusable = False
        self._inflater: Inflater | None = None

    def feed(self, data: bytes) -> bool:
        """Take in what arrived; True once the answer is whole. FramingError when it cannot be one."""
        try:
            while self._head is None:
                if self._partial:
                    data = self._partial + data
                end = head_end(data, self._max_head)
                if not end:
                    self._partial = data
                    return False
                head, data, self._partial = data[:end], data[end:], b""
                self._parser.feed_data(head)
                self._read_head(head)
                if not data and self._head is None:
                    return False
            return self._feed_body(data)
        except HttpParserError as broken:
            # What our own callbacks refuse reaches us as the context of httptools' error.
            raise FramingError(str(broken.__context__ or broken)) from broken
        except InflateError as broken:
            raise FramingError(str(broken)) from broken
        except HttpParserUpgrade as upgrade:
            raise FramingError("it switched protocols, which we never ask for") from upgrade

    def end(self) -> bool:
        """The backend has closed its side; True if that is how this answer ends (RFC 9112 section 6.3 rule 8)."""
        if self._head is None or self._chunked or self._left is not None:
            return False
        try:
            self._end_at(b"")
        except InflateError as broken:
            raise FramingError(str(broken)) from broken
        return True

    def take(self, instance: str) -> Reply:
        """The whole answer, its body decoded."""
        parts, self._parts = self._parts, []  # not kept until the next one
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if self._inflater is None:
            return Reply(self._status, self._raw, body, instance)
        # Both describe the body as it was on the wire, not the one we hand on.
        on_the_wire = (b"content-encoding", b"content-length")
        return Reply(self._status, [header for header in headers_of(self._raw) if header[0] not in on_the_wire], body, instance)

    def _read_head(self, raw: bytes) -> None:
        """Draw the consequences of a head that llhttp has found well-formed."""
        status = self._parser.get_status_code()
        if status < 200:
            self._skip_interim(status)
            return
        if status > 599:
            raise FramingError(f"status {status}")
        head = self._head = Head(raw, self._max_headers)
        self._raw = raw
        self._status = status
        if self._bodiless or self._whole:  # RFC 9112 section 6.3 rule 1, or a Content-Length of 0
            self._bodiless = True
            return
        self._chunked, self._left = head.chunked, head.length
        if head.length is not None and head.length > self._max_body:
            raise FramingError(f"a body of {head.length} bytes, over the cap of {self._max_body}")
        if self._secure and head.length is None and not head.chunked:
            # RFC 9112 section 9.8: only a closure alert may end it, and the event loops tell a cut as they tell an end.
            raise FramingError("a body of no stated length over TLS")
        if head.gzip:
            self._inflater = Inflater(self._max_body)

    def _skip_interim(self, status: int) -> None:
        self._interims += 1
        if status < 100:  # 101 does not come this far: llhttp stops at it
            raise FramingError(f"status {status}")
        if self._interims > _MAX_INTERIM:
            raise FramingError("interim answers without end")
        self._whole = False

    def _feed_body(self, data: bytes) -> bool:
        if self._bodiless:
            self._end_at(data)
        elif self._chunked:
            self._feed_chunks(data)
        elif self._left is None:
            self._keep(data)  # to the end of the connection: `end`
        else:
            body, surplus = data[: self._left], data[self._left :]
            self._left -= len(body)
            self._keep(body)
            if not self._left:
                self._end_at(surplus)
        return self._whole

    def _feed_chunks(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            if not self._whole:
                raise
            self._end_at(data)  # it was what follows the last chunk that llhttp, or on_message_begin, refused
            return
        self._wire_size += len(data)
        if self._wire_size > self._size * _CHUNK_OVERHEAD + self._max_head:
            raise FramingError("more chunk framing or trailers than body")
        if self._whole:
            # Empty lines after the last chunk are the one surplus that llhttp skips in silence.
            self._end_at(b"surplus" if data.endswith(b"\r\n\r\n\r\n") else b"")

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        self._size += len(data)
        if self._size > self._max_body:
            raise FramingError(f"a body over the cap of {self._max_body} bytes")
        self._parts.append(data if self._inflater is None else self._inflater.feed(data))

    def _end_at(self, surplus: bytes) -> None:
        """The answer is whole, and this came after its end."""
        self._whole = True
        if surplus:
            # RFC 9112 section 6.3: not to be taken for another answer. This one stands; the connection is done for.
            self.reusable = False
        # A body of no byte at all is an empty one, whatever coding it is said to be in.
        if self._inflater is not None and self._size:
            self._inflater.end()

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self._whole and self._head is not None:
            raise FramingError("bytes after the end of the answer")

    def on_headers_complete(self) -> None:
        self.reusable = self._parser.should_keep_alive()  # only now: llhttp forgets it when the message ends

    def on_body(self, data: bytes) -> None:
        self._keep(data)

    def on_message_complete(self) -> None:
        self._whole = True
