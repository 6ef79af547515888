"""The head of an HTTP/1.1 answer: where it ends, its headers, and how long the body after it is."""

import re
from typing import Final

_HEAD_END: Final = b"\r\n\r\n"
_VERSIONS: Final = (b"HTTP/1.1 ", b"HTTP/1.0 ")
# The headers that say how the body is framed. Each is looked for in the whole head at once: a screen asks for no other, so
# that lines are not split and names not lowered before somebody does (2.4 us a call, 0.7 so).
_FRAMING: Final = re.compile(rb"\r\n(transfer-encoding|content-length|content-encoding):[ \t]*([^\r]*)")


class FramingError(Exception):
    """The answer breaks HTTP framing or passes a cap: nothing of it may be used, nor of what follows it."""


def head_end(data: bytes, cap: int) -> int:
    """Where the head ends that `data` begins with, 0 if that is still to come; FramingError if it cannot be one."""
    end = data.find(_HEAD_END) + 4
    if end > cap or (end < 4 and len(data) > cap):
        raise FramingError(f"a head of more than {cap} bytes")
    if not data.startswith(_VERSIONS) and not any(version.startswith(data) for version in _VERSIONS):
        raise FramingError("not an HTTP/1.1 or HTTP/1.0 answer")
    if end >= 4:
        return end
    # A head of bare LFs would have no end, and be told as a timeout. A last CR may still get its LF.
    if data.count(b"\n") != data.count(b"\r\n"):
        raise FramingError("a bare LF in the head")
    return 0


class Head:
    """A final head that llhttp has found well-formed, and what it says of its body.

    `length` is None when no Content-Length tells it. FramingError for what llhttp lets pass and we do not.
    """

    __slots__ = ("chunked", "gzip", "length")

    def __init__(self, head: bytes, max_headers: int) -> None:
        self.length: int | None = None
        self.chunked = self.gzip = False
        # llhttp allowed no fold, no bare CR or LF and no odd name, so each line is one header.
        if head.count(b"\r\n") - 2 > max_headers:
            raise FramingError(f"more than {max_headers} headers")
        for name, value in _FRAMING.findall(head.lower()):
            self._frame(name, value.rstrip(b" \t"))
        if self.chunked and not head.startswith(_VERSIONS[0]):
            raise FramingError("a transfer coding in HTTP/1.0")  # RFC 9112 section 6.1: its framing is faulty

    def _frame(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.length = int(value)  # llhttp let only digits through, and only once
        elif name == b"transfer-encoding":
            if value != b"chunked" or self.chunked:
                raise FramingError("a transfer coding other than chunked")
            self.chunked = True
        elif value in (b"gzip", b"x-gzip") and not self.gzip:
            self.gzip = True
        elif value not in (b"", b"identity"):
            raise FramingError("a content coding that was not asked for")


def headers_of(head: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of a head that has been read, names in lower case: each line's first colon ends its name."""
    found = []
    for line in head.split(b"\r\n")[1:-2]:
        name, _, value = line.partition(b":")
        found.append((name.lower(), value.strip(b" \t")))
    return found
