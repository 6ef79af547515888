"""From a service's answer to what a client's method gives: its value, or the one error that says what went wrong."""

from collections.abc import Callable
from types import NoneType
from typing import Any, TypeVar

from bff.errors import BackendInvalid, BackendStatus, Missing
from bff.upstream.call import Reply
from bff.upstream.codecs.codec import Codec, CodecError
from bff.upstream.codecs.json import JsonCodec
from bff.upstream.retry_after import retry_after

T = TypeVar("T")


def decoder(service: str, path: str, kind: type[T], codec: Codec) -> Callable[[bytes], T]:
    """What makes a value of an answer's body; its BackendInvalid names the path and the field. None wants no body."""
    if kind is NoneType:

        def nothing(raw: bytes) -> Any:  # Any: None, which is the T of this call
            return None

        return nothing

    def invalid(error: CodecError) -> BackendInvalid:
        return BackendInvalid(service, f"{path}: {error}")

    if isinstance(codec, JsonCodec):  # of nearly all calls, so it raises the error itself: a frame less for each answer
        return codec.decoder_raising(kind, invalid)
    read = codec.decoder(kind)

    def decode(raw: bytes) -> T:
        try:
            return read(raw)
        except CodecError as error:
            raise invalid(error) from error

    return decode


def refused(service: str, path: str, reply: Reply) -> BackendStatus:
    """The error for an answer outside 2xx."""
    if reply.status in (404, 410):
        return Missing(service, f"{path}: status {reply.status}", status=reply.status, body=reply.body)
    return BackendStatus(
        service, reply.status, f"{path}: status {reply.status}", retry_after=retry_after(reply), body=reply.body
    )
