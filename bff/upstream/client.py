"""`Client`: a typed class that calls one service; one method, one line."""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic, time
from types import NoneType
from typing import Any, ClassVar, TypeVar, cast

from bff.deadline import Deadline, current_deadline
from bff.errors import BackendError, BackendInvalid, BackendStatus, Missing
from bff.upstream.batching import Owner
from bff.upstream.call import Call, Headers, Reply, Sender
from bff.upstream.codecs.codec import Codec, CodecError
from bff.upstream.codecs.grpc import GrpcMethod, ProtoFile
from bff.upstream.codecs.json import JSON
from bff.upstream.scope import CallRecord, RequestScope
from bff.upstream.target import Arguments, BadPathValue, target

T = TypeVar("T")
Awaited = Coroutine[Any, Any, T]  # what `async def` gives; not one more of it on the way of each call

# What a hop keeps of the time it has: the way back and the decoding of a backend's answer (reliability-security.md 2.1).
HOP_MARGIN = 0.010
# A service that nobody configured a timeout for: under the default screen budget, so that a fallback still has time.
DEFAULT_TIMEOUT = 0.8
# A backend's word on when to come back is believed up to a day; more is a fault of its clock or of its author.
MAX_RETRY_AFTER = 24 * 3600.0


def told(left: float) -> str:
    """What a backend is told it has when `left` seconds are left: whole milliseconds, less what the way back takes."""
    return str(max(1, int((left - HOP_MARGIN) * 1000)))


@dataclass(slots=True)
class Service:
    """A backend as the runtime knows it: its name, the pipe that leads to it, and the seconds a call may take."""

    name: str
    sender: Sender
    timeout: float = DEFAULT_TIMEOUT
    stats: Callable[[], dict[str, int]] = dict  # counts of its connections, for /stats


class Client(Owner):
    """Base of the typed clients. `class Catalog(Client, service="catalog")` names the service of bff.toml that it calls.

    Methods are coroutines over `get`, `post`, `put`, `patch`, `delete`. Words in braces in the path are filled from the
    arguments, percent-encoded; all other arguments become the query (None left out, lists repeated). An answer in 2xx
    is decoded straight from its bytes to the type; everything else raises a BackendError. A fake for tests is a
    subclass whose methods return values: it needs no arguments.
    """

    codec: ClassVar[Codec] = JSON
    _decoders: ClassVar[dict[Any, Callable[[bytes], Any]]] = {}  # Any: keyed by type, which maps to that type's decoder

    _accepts: ClassVar[Headers] = (("accept", JSON.accept),)
    _proto: ClassVar[ProtoFile | None] = None
    _methods: ClassVar[dict[str, GrpcMethod]] = {}

    def __init_subclass__(cls, *, service: str | None = None, codec: Codec | None = None, proto: str | None = None) -> None:
        super().__init_subclass__()
        if service is not None:
            cls.service = service
        if codec is not None:
            cls.codec = codec
        if proto is not None:
            cls._proto = ProtoFile(Path(inspect.getfile(cls)).parent / proto)
            cls._methods = {}
        cls._accepts = (("accept", cls.codec.accept),)
        cls._decoders = {}

    def __init__(self, service: Service | None = None, scope: RequestScope | None = None) -> None:
        self._service = service
        self.scope = scope or RequestScope()

    def get(self, path: str, kind: type[T], /, **arguments: Any) -> Awaited[T]:
        """Read. Sent again once if a kept connection proves stale before any byte of the answer."""
        return self._exchange("GET", path, arguments, kind)

    def post(
        self, path: str, kind: type[T], body: object, /, *, idempotency_key: str | None = None, **arguments: Any
    ) -> Awaited[T]:
        """Write. Never sent twice, unless the backend takes an `Idempotency-Key` (given here)."""
        return self._exchange("POST", path, arguments, kind, body, idempotency_key)

    def put(self, path: str, kind: type[T], body: object, /, **arguments: Any) -> Awaited[T]:
        return self._exchange("PUT", path, arguments, kind, body)

    def patch(self, path: str, kind: type[T], body: object, /, **arguments: Any) -> Awaited[T]:
        return self._exchange("PATCH", path, arguments, kind, body)

    def delete(self, path: str, kind: type[T], /, **arguments: Any) -> Awaited[T]:
        return self._exchange("DELETE", path, arguments, kind)

    async def rpc(self, method: str, kind: type[T], request: object, /) -> T:
        """Call `/package.Service/Method` of the .proto that the class was given (`proto="delivery.proto"`, beside it)."""
        codec = self._method(method)
        reply = await self._send("POST", method, method, (), codec.encode(request))
        decoder = self._decoders.get((method, kind))
        if decoder is None:
            decoder = self._decoders[method, kind] = codec.decoder(kind)
        return self._decoded(reply, method, kind, decoder)

    def _method(self, name: str) -> GrpcMethod:
        found = self._methods.get(name)
        if found is None:
            if self._proto is None:
                raise TypeError(f'{type(self).__name__} has no .proto; write `class ...(Client, ..., proto="x.proto")`')
            found = self._methods[name] = self._proto.method(name)
        return found

    async def _exchange(
        self,
        method: str,
        path: str,
        arguments: Arguments,
        kind: type[T],
        body: object = None,
        idempotency_key: str | None = None,
    ) -> T:
        try:
            where = target(path, arguments)
        except BadPathValue as error:
            raise Missing(self.service, str(error)) from None
        headers = self._accepts
        content = b""
        if body is not None:
            content = self.codec.encode(body)
            headers += (("content-type", self.codec.content_type),)
        if idempotency_key is not None:
            headers += (("idempotency-key", idempotency_key),)
        reply = await self._send(method, path, where, headers, content, idempotent=idempotency_key is not None)
        return self._decoded(reply, path, kind, self._decoder(kind))

    async def _send(
        self, method: str, template: str, where: str, headers: Headers, body: bytes, *, idempotent: bool = False
    ) -> Reply:
        """One call under the section's deadline or the service's timeout, whichever ends first, and its record."""
        service = self._service
        if service is None:
            raise TypeError(f"{type(self).__name__} has no service to call: a fake must override the method that was used")
        started = monotonic()
        outer = current_deadline()
        left = service.timeout if outer is None else min(service.timeout, outer.left())
        call = Call(
            service.name,
            method,
            where,
            Deadline(started + left),
            (*self.scope.headers, *headers, ("request-timeout", told(left))),
            body,
            idempotent,
        )
        record = CallRecord(service.name, method, template, started)
        self.scope.records.append(record)
        try:
            reply = await service.sender.send(call)
            record.result = str(reply.status)
            return reply
        except BackendError as error:
            record.result = error.reason
            raise
        finally:
            record.ended = monotonic()

    def _decoder(self, kind: type[T]) -> Callable[[bytes], T]:
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = self.codec.decoder(kind)
        return cast("Callable[[bytes], T]", decoder)

    def _decoded(self, reply: Reply, path: str, kind: type[T], decode: Callable[[bytes], T]) -> T:
        status = reply.status
        if not 200 <= status < 300:
            raise _refused(self.service, path, reply)
        if kind is NoneType:
            return cast("T", None)  # the caller wants no body
        try:
            return decode(reply.body)
        except CodecError as error:
            raise BackendInvalid(self.service, f"{path}: {error}") from error


def _refused(service: str, path: str, reply: Reply) -> BackendError:
    if reply.status in (404, 410):
        return Missing(service, f"{path}: status {reply.status}", status=reply.status, body=reply.body)
    return BackendStatus(
        service, reply.status, f"{path}: status {reply.status}", retry_after=_retry_after(reply), body=reply.body
    )


def _retry_after(reply: Reply) -> float | None:
    """Seconds from `Retry-After`, in either form of RFC 9110 section 10.2.3; None when absent or unreadable."""
    raw = reply.header(b"retry-after")
    if raw is None:
        return None
    value = raw.decode("latin-1").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_RETRY_AFTER)
    try:
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - time()), MAX_RETRY_AFTER)
    except (ValueError, TypeError, OverflowError):
        return None
