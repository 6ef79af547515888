"""Undoing `Content-Encoding: gzip` piece by piece, never past a cap: a bomb costs its cap and no more."""

import zlib

# zlib's window bits: 15 is the largest window there is, +16 asks for the gzip wrapper and its checksum (RFC 1952).
_GZIP = 15 + 16


class InflateError(Exception):
    """The bytes are not one whole gzip stream, or they unfold to more than the cap."""


class Inflater:
    """One gzip stream, fed as it arrives, of at most `cap` bytes once unfolded."""

    __slots__ = ("_cap", "_size", "_stream")

    def __init__(self, cap: int) -> None:
        self._stream = zlib.decompressobj(_GZIP)
        self._cap = cap
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """What `data` unfolds to; InflateError as soon as the stream is broken or the cap is passed."""
        if self._stream.eof:
            raise InflateError("bytes after the end of the gzip stream")
        try:
            # One byte more than may be: an answer of exactly the cap passes, the next byte tells on it.
            out = self._stream.decompress(data, self._cap - self._size + 1)
        except zlib.error as broken:
            raise InflateError(f"broken gzip: {broken}") from broken
        self._size += len(out)
        if self._size > self._cap:
            raise InflateError(f"gzip unfolds to more than {self._cap} bytes")
        if self._stream.unused_data:
            raise InflateError("bytes after the end of the gzip stream")
        return out

    def end(self) -> None:
        """InflateError unless the stream, checksum included, has ended. (No byte at all is an empty body.)"""
        if not self._stream.eof:
            raise InflateError("the gzip stream has no end")
