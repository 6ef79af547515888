"""The same port over httpx, for what our own wire does not speak: HTTP/2 backends, and backends behind a proxy.

It costs 40 times our own wire's CPU; nothing else should use it. httpx's transport is used without its client, so there
is no cookie jar, no redirect and no look at the environment to switch off. A cancelled call can leave a connection in
httpcore's pool that nobody uses and nobody closes (encode/httpcore issue 1093; 116 after 6,000 cut calls). So the pool
has no limit that such a connection could fill, and it is thrown away as a whole soon after a call in it was cut short.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from bff.deadline import LOOP_CLOCK, Clock
from bff.endpoint import Endpoint
from bff.errors import BackendError, BackendInvalid, BackendTimeout, BackendUnreachable
from bff.upstream.call import Attempt, Call, Headers, Reply
from bff.upstream.http1 import LATE
from bff.upstream.onward import told, trace_headers
from bff.upstream.pool import WireLimits
from bff.upstream.stats import InstanceStats

# Calls cut short before a pool is replaced, if it is never idle until then: this bounds what can leak, and costs the
# pool's kept connections once in so many cuts.
CUTS_PER_POOL = 20

# Framing and connection are the wire's; a body is asked for unpacked, so that no small one can unpack to a huge one.
_OURS = frozenset({"accept-encoding", "connection", "content-length", "host", "keep-alive", "te", "transfer-encoding"})
_IDENTITY = (b"accept-encoding", b"identity")
# How h11 and h2 word a peer that went away; every other breach of the protocol is an answer that cannot be trusted.
_GONE = ("disconnected", "peer closed", "ConnectionTerminated", "StreamReset")


@dataclass(slots=True, eq=False)
class _Pool:
    transport: httpx.AsyncBaseTransport
    born: float
    in_flight: int = 0
    cuts: int = 0


@dataclass(slots=True)
class _Progress:
    """What httpcore tells of the steps of one call."""

    stats: InstanceStats
    begun: bool = False  # some of a request may be on its way: a proxy's CONNECT counts, which is told in the same words

    async def told(self, event: str, info: object) -> None:
        self.begun = self.begun or event.endswith("send_request_headers.started")
        if event.endswith("send_request_body.complete"):
            self.stats.written += 1


class HttpxWire:
    """Calls to one instance, counted in its `stats` but for its connections, of which httpx tells nothing.

    The deadline covers all of a call, the last byte of the body included; connections are replaced, all at once, at
    `max_connection_age`. `http2=True` needs the package h2. `proxy` is
    "http://host:port"; on the way through one, dot segments of a target are resolved.
    """

    def __init__(
        self,
        service: str,
        endpoint: Endpoint,
        stats: InstanceStats,
        limits: WireLimits | None = None,
        *,
        http2: bool = False,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        limits = limits or WireLimits()
        self._service, self._stats, self._limits, self._clock = service, stats, limits, clock
        self._name, self._authority = endpoint.name, endpoint.authority.encode("ascii")
        self._url = httpx.URL(f"{endpoint.scheme}://{endpoint.name}")
        self._extensions: dict[str, object] = {"timeout": {"connect": limits.connect_timeout}}
        if endpoint.server_name:
            self._extensions["sni_hostname"] = endpoint.server_name
        self._proxied = proxy is not None
        self._transport = _maker(http2, proxy, tls or ssl.create_default_context(), limits)
        self._pool = _Pool(self._transport(), clock.now())
        self._old: set[_Pool] = set()  # replaced, with calls still in flight
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def send(self, call: Call, attempt: Attempt) -> Reply:
        if self._closed:
            raise BackendUnreachable(self._service, "we are shutting down", ours=True, sent=False)
        left = call.deadline.left()
        if left <= 0:
            raise BackendTimeout(self._service, "its time was up before it was sent", ours=True, sent=False)
        pool, seen = self._pool, _Progress(self._stats)
        pool.in_flight += 1
        try:
            async with asyncio.timeout(left):
                return await self._exchange(pool, call, attempt, left, seen)
        except asyncio.CancelledError:
            pool.cuts += 1
            raise
        except TimeoutError as error:
            pool.cuts += 1
            late = -call.deadline.left() > LATE
            raise BackendTimeout(self._service, f"{self._name}: no whole answer in time", ours=late, sent=seen.begun) from error
        except httpx.TransportError as error:
            raise self._meaning(error, sent=seen.begun) from error
        finally:
            pool.in_flight -= 1
            self._renew(pool)

    async def close(self) -> None:
        """Closes every connection; calls still in flight then raise BackendUnreachable."""
        self._closed = True
        for pool in (self._pool, *self._old):
            self._drop(pool)
        while self._closing:
            await asyncio.wait(self._closing)

    async def _exchange(self, pool: _Pool, call: Call, attempt: Attempt, left: float, seen: _Progress) -> Reply:
        target = call.target.encode("ascii")
        extensions = {**self._extensions, "trace": seen.told}
        if not self._proxied:  # there httpcore would write it in the place of the address that the proxy needs
            extensions["target"] = target  # as it stands: httpx would take `/a/..` for `/`
        request = httpx.Request(
            call.method,
            self._url.copy_with(raw_path=target),
            headers=[(b"host", self._authority), *_encoded(call, attempt, left), _IDENTITY],
            content=call.body,
            extensions=extensions,
        )
        response = await pool.transport.handle_async_request(request)
        try:
            body = await self._body(response)
        except httpx.TransportError as error:
            failure = self._meaning(error)
            if isinstance(failure, BackendUnreachable):
                failure.begun = True
            raise failure from error
        finally:
            await response.aclose()
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        return Reply(response.status_code, headers, body, self._name)

    async def _body(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise BackendInvalid(self._service, "the body is packed although identity was asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            if len(body) + len(chunk) > self._limits.max_body:
                raise BackendInvalid(self._service, f"the body is over {self._limits.max_body} bytes")
            body += chunk
        return bytes(body)

    def _meaning(self, error: httpx.TransportError, *, sent: bool = True) -> BackendError | httpx.TransportError:
        """What a failure of httpx is in our words; one that is our own bug (a header that cannot be sent) stays."""
        detail = f"{self._name}: {error}"
        if isinstance(error, httpx.TimeoutException):
            return BackendTimeout(self._service, detail, sent=sent)
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
            return error
        if isinstance(error, httpx.RemoteProtocolError) and not any(word in str(error) for word in _GONE):
            return BackendInvalid(self._service, detail)
        return BackendUnreachable(self._service, detail, sent=sent)

    def _renew(self, pool: _Pool) -> None:
        """Put a new pool in place of one that is old or may hold lost connections; it ends with its last call."""
        if self._closed:
            return
        lossy = pool.cuts and (pool.cuts >= CUTS_PER_POOL or not pool.in_flight)
        if self._pool is pool and (lossy or self._clock.now() - pool.born >= self._limits.max_connection_age):
            self._pool = _Pool(self._transport(), self._clock.now())
            self._old.add(pool)
        if pool in self._old and not pool.in_flight:
            self._old.remove(pool)
            self._drop(pool)

    def _drop(self, pool: _Pool) -> None:
        task = asyncio.get_running_loop().create_task(pool.transport.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _encoded(call: Call, attempt: Attempt, left: float) -> list[tuple[bytes, bytes]]:
    """As our own wire writes them: httpx by itself refuses the upper half of Latin-1, which a client may send."""
    stated = {name.lower() for name, _ in call.headers}
    onward: Headers = (("request-timeout", told(left)), *trace_headers(call, attempt.span_id))
    pairs = [(name, text) for name, text in call.headers if name.lower() not in _OURS]
    pairs += [(name, text) for name, text in onward if name not in stated]
    return [(name.encode("ascii"), text.encode("latin-1")) for name, text in pairs]


def _maker(http2: bool, proxy: str | None, tls: ssl.SSLContext, limits: WireLimits) -> Callable[[], httpx.AsyncBaseTransport]:
    kept = httpx.Limits(max_connections=None, max_keepalive_connections=limits.max_idle, keepalive_expiry=limits.idle_timeout)
    return lambda: httpx.AsyncHTTPTransport(
        verify=tls, trust_env=False, http2=http2, limits=kept, proxy=httpx.Proxy(proxy) if proxy else None
    )
