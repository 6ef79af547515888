"""JSON, straight from a backend's bytes to the declared type.

What is read is read strictly: no `"1"` for 1, no 1.0 for an int, no NaN, no 1e400. Integers are kept exactly, however
large, or refused; they are rounded only where the declared type is `float`. A field that the type does not have is
skipped, its value checked for grammar alone. Of doubled keys the last one counts, and each must have the right type.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import msgspec

from bff.json import Json
from bff.upstream.codecs.codec import CodecError, told
from bff.upstream.codecs.shapes import refuse_unfillable

T = TypeVar("T")
Invalid = Callable[[CodecError], Exception]


class JsonCodec:
    """Bodies by msgspec; an answer declared as `Json` is checked and passed on as it is."""

    content_type = "application/json"
    accept = "application/json"

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode

    def encode(self, body: object) -> bytes:
        return body.raw if isinstance(body, Json) else self._encode(body)

    def decoder(self, kind: type[T], /) -> Callable[[bytes], T]:
        return self.decoder_raising(kind, lambda error: error)

    def decoder_raising(self, kind: type[T], invalid: Invalid, /) -> Callable[[bytes], T]:
        """The same, but what it raises is what `invalid` makes of the CodecError."""
        if kind is Json:
            return cast("Callable[[bytes], T]", _unread(invalid))
        refuse_unfillable(kind)
        decode = msgspec.json.Decoder(kind).decode

        def read(raw: bytes) -> T:
            try:
                return decode(raw)
            except msgspec.DecodeError as error:
                raise invalid(told(error)) from error
            except UnicodeDecodeError as error:  # of a string that is read; msgspec lets it through as it is
                raise invalid(CodecError(f"not UTF-8: {error.reason}")) from error
            except RecursionError as error:
                raise invalid(CodecError("nested too deep")) from error

        return read


def _unread(invalid: Invalid) -> Callable[[bytes], Json]:
    def read(raw: bytes) -> Json:
        try:
            return Json.check(raw)
        except ValueError as error:
            raise invalid(CodecError(str(error))) from error

    return read


JSON = JsonCodec()
