"""The head of an HTTP/1.1 answer: where it ends, its headers, and how long the body after it is."""

from typing import Final

_HEAD_END: Final = b"\r\n\r\n"
_VERSIONS: Final = (b"HTTP/1.1 ", b"HTTP/1.0 ")
_FRAMING: Final = frozenset({b"transfer-encoding", b"content-length", b"content-encoding"})


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

    __slots__ = ("chunked", "gzip", "headers", "length")

    def __init__(self, head: bytes, max_headers: int) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.length: int | None = None
        self.chunked = self.gzip = False
        # llhttp allowed no fold, no bare CR or LF and no odd name, so each line is one header and its first colon ends
        # the name: cheaper than a callback for each.
        for line in head.split(b"\r\n")[1:-2]:
            name, _, value = line.partition(b":")
            name, value = name.lower(), value.strip(b" \t")
            self.headers.append((name, value))
            if name in _FRAMING:
                self._frame(name, value)
        if len(self.headers) > max_headers:
            raise FramingError(f"more than {max_headers} headers")
        if self.chunked and not head.startswith(_VERSIONS[0]):
            raise FramingError("a transfer coding in HTTP/1.0")  # RFC 9112 section 6.1: its framing is faulty

    def _frame(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.length = int(value)  # llhttp let only digits through, and only once
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked" or self.chunked:
                raise FramingError("a transfer coding other than chunked")
            self.chunked = True
        elif value.lower() in (b"gzip", b"x-gzip") and not self.gzip:
            self.gzip = True
        elif value.lower() not in (b"", b"identity"):
            raise FramingError("a content coding that was not asked for")
