"""`Client`: a typed class that calls one service; one method, one line."""

import inspect
from collections.abc import Callable, Coroutine, Hashable
from copy import copy
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar, Final, Self, TypeVar

from bff.deadline import Deadline, current_deadline
from bff.errors import BackendError, Missing
from bff.upstream.answers import decoder, refused
from bff.upstream.batching import Owner
from bff.upstream.call import SAFE_METHODS, Call, Headers, Reply
from bff.upstream.codecs.codec import Codec
from bff.upstream.codecs.grpc import GrpcMethod, ProtoFile
from bff.upstream.codecs.json import JSON
from bff.upstream.reads import Read, answered, forget
from bff.upstream.scope import CallRecord, RequestScope
from bff.upstream.service import Service
from bff.upstream.target import Arguments, BadPathValue, target

T = TypeVar("T")
Awaited = Coroutine[Any, Any, T]  # what `async def` gives; not one more of it on the way of each call
Decode = Callable[[bytes], Any]  # Any: each makes the value of its own type

# Decoders that a client class keeps, by path template and type. No client has so many; one that puts its values into
# the path by hand would have one a value.
_MAX_DECODERS: Final = 1024


class Client(Owner):
    """Base of the typed clients. `class Catalog(Client, service="catalog")` names the service of bff.toml that it calls.

    Methods are coroutines over `get`, `post`, `put`, `patch`, `delete`. Words in braces in the path are filled from the
    arguments, percent-encoded; all other arguments become the query (None left out, lists repeated). An answer in 2xx
    is decoded straight from its bytes to the type; everything else raises a BackendError. A fake for tests is a
    subclass whose methods return values: it needs no arguments.

    `timeout`, `retry`, `hedge` and `shared` as class arguments hold for all its calls, by `under` for one: see there.
    """

    codec: ClassVar[Codec] = JSON

    _accepts: ClassVar[Headers] = (("accept", JSON.accept),)
    _decoders: ClassVar[dict[tuple[str, Any], Decode]] = {}  # by path and type
    _proto: ClassVar[ProtoFile | None] = None
    _methods: ClassVar[dict[str, GrpcMethod]] = {}
    _service: Service | None = None

    def __init_subclass__(
        cls,
        *,
        service: str | None = None,
        codec: Codec | None = None,
        proto: str | None = None,
        timeout: float | None = None,
        retry: bool | None = None,
        hedge: bool | None = None,
        shared: bool | None = None,
    ) -> None:
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
        cls.policy = cls.policy.but(timeout, retry, hedge, shared)

    def __init__(self, service: Service | None = None, scope: RequestScope | None = None) -> None:
        if scope is None:
            scope = RequestScope()
        self._service = service
        self.scope = scope
        if scope.repeated:
            self.policy = self.policy.once()

    def under(
        self,
        *,
        timeout: float | None = None,
        retry: bool | None = None,
        hedge: bool | None = None,
        shared: bool | None = None,
    ) -> Self:
        """The same client, whose calls ask for something else than the service's settings say.

        `timeout`: seconds in all, in place of the service's own; never more than the section has left. `retry=False`:
        sent once. `hedge=True`: while the first attempt is slower than nearly all calls are, a second one may be sent
        to another instance; for reads that cost the backend little. `shared=True`: equal GETs of different requests in
        flight are one call; for what is the same for everybody. A fake gives itself.
        """
        if self._service is None:
            return self
        other = copy(self)
        policy = self.policy.but(timeout, retry, hedge, shared)
        other.policy = policy.once() if self.scope.repeated else policy
        return other

    def get(self, path: str, kind: type[T], /, **arguments: Any) -> Awaited[T]:
        """Read. Sent again when that is safe and may help; an equal one of the same request is the same call."""
        try:
            where = target(path, arguments) if arguments or "{" in path else path
        except BadPathValue as error:
            return _raised(Missing(self.service, str(error)))
        decode = self._decoders.get((path, kind)) or self._decoder(path, kind, self.codec)
        return self._send("GET", path, where, self._accepts, b"", decode)

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

    def rpc(self, method: str, kind: type[T], request: object, /) -> Awaited[T]:
        """Call `/package.Service/Method` of the .proto that the class was given (`proto="delivery.proto"`, beside it).

        Never sent twice, unless the .proto gives the method an `idempotency_level`.
        """
        codec = self._method(method)
        decode = self._decoders.get((method, kind)) or self._decoder(method, kind, codec)
        return self._send("POST", method, method, (), codec.encode(request), decode, codec.repeatable)

    def _method(self, name: str) -> GrpcMethod:
        found = self._methods.get(name)
        if found is None:
            if self._proto is None:
                raise TypeError(f'{type(self).__name__} has no .proto; write `class ...(Client, ..., proto="x.proto")`')
            found = self._methods[name] = self._proto.method(name)
        return found

    def _exchange(
        self,
        method: str,
        path: str,
        arguments: Arguments,
        kind: type[T],
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Awaited[T]:
        try:
            where = target(path, arguments)
        except BadPathValue as error:
            return _raised(Missing(self.service, str(error)))
        headers = self._accepts
        content = b""
        if body is not None:
            content = self.codec.encode(body)
            headers += (("content-type", self.codec.content_type),)
        if idempotency_key is not None:
            headers += (("idempotency-key", idempotency_key),)
        decode = self._decoders.get((path, kind)) or self._decoder(path, kind, self.codec)
        return self._send(method, path, where, headers, content, decode, idempotency_key is not None)

    async def _send(
        self,
        method: str,
        template: str,
        where: str,
        headers: Headers,
        body: bytes,
        decode: Callable[[bytes], T],
        idempotent: bool = False,
    ) -> T:
        """The value of one call's answer, by the section's deadline or the call's timeout, whichever ends first.

        An equal read of this request is not sent again: its bytes are decoded anew, so that no section can change what
        another one has.
        """
        service, scope, policy = self._service, self.scope, self.policy
        if service is None:
            raise TypeError(f"{type(self).__name__} has no service to call: a fake must override the method that was used")
        name, started, outer = service.name, monotonic(), current_deadline()
        at = started + (service.timeout if policy.timeout is None else policy.timeout)
        if outer is None:
            deadline = Deadline(at, monotonic)
        elif outer.now is not monotonic:
            deadline = Deadline(min(at, started + outer.left()), monotonic, outer.of)
        else:
            deadline = outer if outer.at <= at else Deadline(at, monotonic, outer.of)
        read: Read | None
        key: Hashable
        if method == "GET":
            reads, shared = scope.reads, policy.shared  # one that is shared is nobody's, and may be answered otherwise
            key = (decode, where, shared)
            if key in reads:
                earlier = await answered(reads, key, deadline)
                if earlier is not None:
                    service.stats.coalesced += 1
                    self._refuse_unless_good(template, earlier)
                    return decode(earlier.body)
                started = monotonic()
            read = reads[key] = Read(name, deadline)
        else:
            read, key, shared = None, None, False
        headers = scope.headers + headers
        if shared:
            if scope.changes:
                policy = policy._replace(shared=False)  # another request's read may have begun before our own write
        elif scope.tell is not None:
            headers += scope.tell(name)
        call = Call(name, method, where, deadline, headers, body, idempotent, decode, policy, scope.trace)
        record = CallRecord(name, method, template, started, deadline.of, call.attempts)
        scope.records.append(record)
        try:
            reply = await service.sender.send(call)
        except BaseException as error:
            self._failed(call, record, read, key, error)
            raise
        record.ended = monotonic()
        record.result = str(reply.status)
        value: T | None = reply.value  # type: ignore[assignment]  # which `decode` has made
        reply.value = None  # it is the section's: what it has read is freed with it, while its memory is still in the cache
        if value is not None and read is not None and read.waiting is None:  # as nearly all calls end
            read.reply = reply
            return value
        self._over(call, read, key, reply)
        self._refuse_unless_good(template, reply)
        return decode(reply.body) if value is None else value

    def _failed(self, call: Call, record: CallRecord, read: Read | None, key: Hashable, error: BaseException) -> None:
        record.ended = monotonic()
        if isinstance(error, BackendError):
            record.result = error.reason
            self._over(call, read, key, error)
        else:
            self._over(call, read, key, None)  # we were cut: whoever waits beside us asks for itself

    def _over(self, call: Call, read: Read | None, key: Hashable, end: Reply | BackendError | None) -> None:
        """What a call's end means for the reads of its request; `end` is None for one that was cut."""
        scope = self.scope
        if read is not None:
            read.end(scope.reads, key, end)
        elif call.method not in SAFE_METHODS:
            if scope.changes:
                scope.reads.clear()
                scope.loaders.clear()
            elif scope.reads:
                forget(scope.reads, call.service)

    def _refuse_unless_good(self, template: str, reply: Reply) -> None:
        if not 200 <= reply.status < 300:
            raise refused(self.service, template, reply)

    def _decoder(self, path: str, kind: type[T], codec: Codec) -> Callable[[bytes], T]:
        decode = decoder(self.service, path, kind, codec)
        if len(self._decoders) >= _MAX_DECODERS:
            self._decoders.clear()
        self._decoders[path, kind] = decode
        return decode


async def _raised(error: BackendError) -> Any:
    """A call that fails when it is awaited, as all of them do, and not where it is written."""
    raise error
