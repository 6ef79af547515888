"""The port to a format: from a request's body to bytes, and from an answer's bytes to the declared type."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

T = TypeVar("T")

# An error's text may quote the backend (an unknown enum value): enough of it to recognise, never a page of it.
_TOLD = 200


class CodecError(ValueError):
    """The bytes are not what was promised. `path` says where, in the wire's own names: `$.items[3].price`."""

    def __init__(self, fault: str, path: str = "$") -> None:
        self.fault = fault[:_TOLD]
        self.path = path
        super().__init__(f"{path}: {self.fault}")


class Codec(Protocol):
    """One format. Made once; safe to share.

    `encode` takes a Struct, a dataclass or plain values; a body that the format cannot hold is a bug of the calling
    client (TypeError or ValueError, never a BackendError). `decoder` is asked once for a type and kept by its user; it
    refuses a type that it could never fill (TypeError), so that this bug does not look like a fault of the backend.
    What it returns raises CodecError and nothing else.
    """

    @property
    def content_type(self) -> str: ...

    @property
    def accept(self) -> str: ...

    def encode(self, body: object) -> bytes: ...

    def decoder(self, kind: type[T], /) -> Callable[[bytes], T]: ...


def told(error: msgspec.DecodeError) -> CodecError:
    """msgspec's error, with its place taken out of its text."""
    fault, at, path = str(error).rpartition(" - at `")
    return CodecError(fault, path.rstrip("`")) if at else CodecError(str(error))
