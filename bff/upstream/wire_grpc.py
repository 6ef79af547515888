"""gRPC to backends: unary calls over grpc.aio, behind the same port as HTTP.

A call's target is the method's full name; its body and the reply's are messages as bytes (codecs/grpc.py reads them).
A status other than OK becomes the HTTP status that google.rpc.Code gives it, so the layers above know one language. Its
text travels in `Reply.body`, where our logs find it and no client does.
"""

import asyncio

import grpc
import grpc.aio

from bff.deadline import LOOP_CLOCK, Clock
from bff.endpoint import Endpoint
from bff.errors import BackendInvalid, BackendTimeout, BackendUnreachable
from bff.upstream.call import Attempt, Call, Headers, Reply
from bff.upstream.http1 import LATE
from bff.upstream.onward import trace_headers
from bff.upstream.pool import WireLimits
from bff.upstream.stats import InstanceStats

CONNECT_MS = 250  # a dead address is told from a slow one, as for HTTP
RECONNECT_MS = (100, 1_000)  # first and longest pause; gRPC's own 1 s to 120 s would keep a healed backend out for long
# What a replaced channel's last calls are let take, at most: a call's own deadline is far earlier.
LAST_CALLS = 30.0
MAX_TOLD = 1_000  # characters of a backend's error text that are kept
_NO_CONNECTION = "failed to connect to all addresses"

# google/rpc/code.proto, the comment at each code. UNAVAILABLE and DEADLINE_EXCEEDED are raised, not answered.
HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.DATA_LOSS: 500,
}

# HTTP's own, which gRPC sets itself or has no place for.
_NOT_METADATA = frozenset({"accept", "connection", "content-length", "content-type", "host", "te", "user-agent"})


class GrpcWire:
    """Calls to one instance, counted in its `stats` as far as gRPC tells of them.

    Its channel is opened at the first call, in the loop that makes it, and replaced at `max_connection_age`. A call has
    gRPC's own deadline. What it cannot tell is left at 0: connections, and requests that were written but not answered.
    """

    def __init__(
        self,
        service: str,
        endpoint: Endpoint,
        stats: InstanceStats,
        limits: WireLimits | None = None,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        limits = limits or WireLimits()
        self._service, self._stats, self._name = service, stats, endpoint.name
        self._credentials = (credentials or grpc.ssl_channel_credentials()) if endpoint.scheme == "https" else None
        self._options, self._max_age, self._clock = _options(limits, endpoint), limits.max_connection_age, clock
        self._channel: grpc.aio.Channel | None = None
        self._born = 0.0
        self._ending: set[asyncio.Task[None]] = set()  # replaced channels with their last calls
        self._closed = False

    async def send(self, call: Call, attempt: Attempt) -> Reply:
        left = call.deadline.left()
        if left <= 0:
            raise BackendTimeout(self._service, "its time was up before it was sent", ours=True, sent=False)
        # Without serializers: the messages are bytes already.
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._opened().unary_unary(call.target)
        rpc = method(call.body, timeout=left, metadata=_metadata((*call.headers, *trace_headers(call, attempt.span_id))))
        try:
            body = await rpc
            headers = _headers(await rpc.initial_metadata())
        except grpc.aio.AioRpcError as error:
            return self._failed(call, error)
        except asyncio.CancelledError:
            rpc.cancel()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # grpc.aio cancels the awaiting code when a channel closes under a call; nobody asked us to stop.
            raise BackendUnreachable(self._service, f"{self._name}: the channel was closed", ours=self._closed) from None
        self._stats.written += 1
        return Reply(200, headers, body, self._name)

    async def close(self) -> None:
        """Ends calls in flight (they raise BackendUnreachable) and closes the channel."""
        self._closed = True
        channel, self._channel = self._channel, None
        for task in self._ending:
            task.cancel()
        if channel is not None:
            await channel.close()

    def _failed(self, call: Call, error: grpc.aio.AioRpcError) -> Reply:
        code, told = error.code(), (error.details() or "")[:MAX_TOLD]
        detail = f"{self._name}: {code.name} {told}"
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            late = -call.deadline.left() > LATE
            raise BackendTimeout(self._service, detail, ours=late) from error
        if code is grpc.StatusCode.UNAVAILABLE:
            # gRPC's own word for a channel with no connection to give a call. A server may relay its own client's: that
            # names another address.
            unsent = told.startswith(_NO_CONNECTION) and f":{self._name}: " in told
            raise BackendUnreachable(self._service, detail, sent=not unsent) from error
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in told:  # gRPC's own word for our cap
            raise BackendInvalid(self._service, detail) from error
        self._stats.written += 1
        headers = [(b"grpc-status", str(code.value[0]).encode()), *_headers(error.trailing_metadata())]
        return Reply(HTTP_STATUS[code], headers, told.encode(), self._name)

    def _opened(self) -> grpc.aio.Channel:
        if self._closed:
            raise BackendUnreachable(self._service, "we are shutting down", ours=True, sent=False)
        now = self._clock.now()
        if self._channel is not None and now - self._born >= self._max_age:
            task = asyncio.get_running_loop().create_task(self._channel.close(LAST_CALLS))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            self._channel = None
        if self._channel is None:
            self._born = now
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self._name, self._options)
            else:
                self._channel = grpc.aio.secure_channel(self._name, self._credentials, self._options)
        return self._channel


def _options(limits: WireLimits, endpoint: Endpoint) -> list[tuple[str, int | str]]:
    return [
        ("grpc.default_authority", endpoint.authority),  # over TLS the name that the certificate must bear, too
        ("grpc.max_receive_message_length", limits.max_body),
        ("grpc.max_metadata_size", limits.max_head),
        # Identity alone: a small message must not unpack to a big one.
        ("grpc.compression_enabled_algorithms_bitset", 1),
        ("grpc.enable_retries", 0),  # retries are the pipe's, counted against a budget
        ("grpc.enable_http_proxy", 0),  # the environment does not decide where calls go
        ("grpc.service_config_disable_resolution", 1),  # nor does DNS decide how
        ("grpc.use_local_subchannel_pool", 1),  # two services at one address share no connection
        ("grpc.min_reconnect_backoff_ms", CONNECT_MS),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_MS[0]),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MS[1]),
    ]


def _metadata(headers: Headers) -> list[tuple[str, str | bytes]]:
    """Names are lower case in gRPC, and a name that ends in -bin takes bytes."""
    lower = ((name.lower(), value) for name, value in headers)
    return [
        (name, value.encode() if name.endswith("-bin") else value)
        for name, value in lower
        if name not in _NOT_METADATA and not name.startswith("grpc-")
    ]


def _headers(metadata: "grpc.aio.Metadata | None") -> list[tuple[bytes, bytes]]:
    pairs = metadata or ()
    return [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in pairs]
