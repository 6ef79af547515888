"""gRPC to backends: unary calls over grpc.aio, behind the same port as HTTP.

A call's target is the method's full name; its body and the reply's are messages as bytes (codecs/grpc.py reads them).
A status other than OK becomes the HTTP status that google.rpc.Code gives it, so the layers above know one language. Its
text travels in `Reply.body`, where our logs find it and no client does.
"""

import asyncio
from collections.abc import Sequence
from itertools import cycle
from urllib.parse import urlsplit

import grpc
import grpc.aio

from bff.errors import BackendBusy, BackendInvalid, BackendTimeout, BackendUnreachable
from bff.upstream.call import Call, Headers, Reply

# What gRPC servers commonly allow on one connection (MAX_CONCURRENT_STREAMS); above it calls would queue unseen in the
# channel, without bound.
MAX_IN_FLIGHT = 100
# As for HTTP (pool.py): sections are kilobytes, and gRPC's own default of 4 MiB has surprised people both ways.
MAX_BODY = 8 * 1024 * 1024
CONNECT_MS = 250  # a dead address is told from a slow one, as for HTTP
RECONNECT_MS = (100, 1_000)  # first and longest pause; gRPC's own 1 s to 120 s would keep a healed backend out for long
MAX_HEAD = 32 * 1024  # of metadata, as for HTTP
MAX_TOLD = 1_000  # characters of a backend's error text that are kept

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
    """Calls to one service, its instances in turn; `instances` are "http://host:port", or "https://..." for TLS.

    Channels are opened at the first call, in the loop that makes it. Above `max_in_flight` a call is refused at once.
    """

    def __init__(
        self,
        service: str,
        instances: Sequence[str],
        *,
        credentials: grpc.ChannelCredentials | None = None,
        max_in_flight: int = MAX_IN_FLIGHT,
        max_body: int = MAX_BODY,
    ) -> None:
        if not instances:
            raise ValueError(f"service {service}: it has no instance; name one, as http(s)://host:port")
        self.service = service
        self.in_flight = 0
        self._addresses = {url: _address(service, url) for url in instances}
        self._turn = cycle(self._addresses)
        self._credentials = credentials
        self._max_in_flight = max_in_flight
        self._options = _options(max_body)
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._closed = False

    async def send(self, call: Call) -> Reply:
        if self.in_flight >= self._max_in_flight:
            raise BackendBusy(self.service, f"{self.in_flight} calls in flight")
        left = call.deadline.left()
        if left <= 0:
            raise BackendTimeout(self.service, "no time was left to call it")
        url = next(self._turn)
        # Without serializers: the messages are bytes already.
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel(url).unary_unary(call.target)
        self.in_flight += 1
        try:
            rpc = method(call.body, timeout=left, metadata=_metadata(call.headers))
            return await self._finish(rpc, self._addresses[url])
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        """Ends calls in flight (they raise BackendUnreachable) and closes every channel."""
        self._closed = True
        channels = list(self._channels.values())
        self._channels.clear()
        for channel in channels:
            await channel.close()

    async def _finish(self, rpc: "grpc.aio.UnaryUnaryCall[bytes, bytes]", address: str) -> Reply:
        try:
            body = await rpc
            return Reply(200, _headers(await rpc.initial_metadata()), body, address)
        except grpc.aio.AioRpcError as error:
            return self._failed(error, address)
        except asyncio.CancelledError:
            rpc.cancel()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # grpc.aio cancels the awaiting code when a channel closes under a call; nobody asked us to stop.
            raise BackendUnreachable(self.service, f"{address}: the channel was closed") from None

    def _failed(self, error: grpc.aio.AioRpcError, address: str) -> Reply:
        code, told = error.code(), (error.details() or "")[:MAX_TOLD]
        detail = f"{address}: {code.name} {told}"
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            raise BackendTimeout(self.service, detail) from error
        if code is grpc.StatusCode.UNAVAILABLE:
            raise BackendUnreachable(self.service, detail) from error
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in told:  # gRPC's own word for our cap
            raise BackendInvalid(self.service, detail) from error
        headers = [(b"grpc-status", str(code.value[0]).encode()), *_headers(error.trailing_metadata())]
        return Reply(HTTP_STATUS[code], headers, told.encode(), address)

    def _channel(self, url: str) -> grpc.aio.Channel:
        if self._closed:
            raise BackendUnreachable(self.service, "we are shutting down")
        channel = self._channels.get(url)
        if channel is None:
            address = self._addresses[url]
            if url.startswith("https:"):
                credentials = self._credentials or grpc.ssl_channel_credentials()
                channel = grpc.aio.secure_channel(address, credentials, self._options)
            else:
                channel = grpc.aio.insecure_channel(address, self._options)
            self._channels[url] = channel
        return channel


def _address(service: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.port or parts.path.strip("/"):
        raise ValueError(f"service {service}: an instance is http(s)://host:port, not {url!r}")
    return parts.netloc


def _options(max_body: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_body),
        ("grpc.max_metadata_size", MAX_HEAD),
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
