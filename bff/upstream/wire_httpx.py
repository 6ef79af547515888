"""The same port over httpx, for what our own wire does not speak: HTTP/2 backends, and backends behind a proxy.

It costs 40 times our own wire's CPU; nothing else should use it. httpx's transport is used without its client, so there
is no cookie jar, no redirect and no look at the environment to switch off. A cancelled call can leave a connection in
httpcore's pool that nobody uses and nobody closes (encode/httpcore issue 1093; 116 after 6,000 cut calls). So the pool
has no limit that such a connection could fill, and it is thrown away as a whole soon after a call in it was cut short.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

import httpx

from bff.errors import BackendBusy, BackendError, BackendInvalid, BackendTimeout, BackendUnreachable
from bff.upstream.call import Call, Headers, Reply

# The four numbers of our own wire, for its reasons (pool.py).
MAX_IN_FLIGHT = 100
MAX_BODY = 8 * 1024 * 1024
CONNECT_TIMEOUT = 0.25
IDLE_TIMEOUT = 4.0
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
    in_flight: int = 0
    cuts: int = 0


class HttpxWire:
    """Calls to one service, its instances in turn; `instances` are "http://host:port" or "https://host:port".

    The deadline covers all of a call, the last byte of the body included. Above `max_in_flight` a call is refused at
    once. `http2=True` needs the package h2. `proxy` is "http://host:port"; on the way through one, dot segments of a
    target are resolved.
    """

    def __init__(
        self,
        service: str,
        instances: Sequence[str],
        *,
        http2: bool = False,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
        max_in_flight: int = MAX_IN_FLIGHT,
        max_body: int = MAX_BODY,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        self.service = service
        self.in_flight = 0
        if not instances:
            raise ValueError(f"service {service}: it has no instance; name one, as http(s)://host:port")
        urls = [_address(service, url) for url in instances]
        self._turn = cycle(urls)
        self._max_in_flight, self._max_body, self._connect_timeout = max_in_flight, max_body, connect_timeout
        self._proxied = proxy is not None
        self._transport = _maker(http2, proxy, tls or ssl.create_default_context(), max_in_flight)
        self._pools = {url: _Pool(self._transport()) for url in urls}
        self._old: set[_Pool] = set()  # replaced, with calls still in flight
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def send(self, call: Call) -> Reply:
        if self._closed:
            raise BackendUnreachable(self.service, "we are shutting down")
        if self.in_flight >= self._max_in_flight:
            raise BackendBusy(self.service, f"{self.in_flight} calls in flight")
        left = call.deadline.left()
        if left <= 0:
            raise BackendTimeout(self.service, "no time was left to call it")
        url = next(self._turn)
        pool = self._pools[url]
        self.in_flight += 1
        pool.in_flight += 1
        try:
            async with asyncio.timeout(left):
                return await self._exchange(pool, url, call)
        except asyncio.CancelledError:
            pool.cuts += 1
            raise
        except TimeoutError as error:
            pool.cuts += 1
            raise BackendTimeout(self.service, f"{url.netloc.decode()}: no whole answer in time") from error
        except httpx.TransportError as error:
            raise self._meaning(error, url) from error
        finally:
            self.in_flight -= 1
            pool.in_flight -= 1
            self._renew(url, pool)

    async def close(self) -> None:
        """Closes every connection; calls still in flight then raise BackendUnreachable."""
        self._closed = True
        for pool in (*self._pools.values(), *self._old):
            self._drop(pool)
        while self._closing:
            await asyncio.wait(self._closing)

    async def _exchange(self, pool: _Pool, url: httpx.URL, call: Call) -> Reply:
        request = httpx.Request(
            call.method,
            url.copy_with(raw_path=call.target.encode("ascii")),
            headers=[*_encoded(call.headers), _IDENTITY],
            content=call.body,
            extensions=self._extensions(call),
        )
        response = await pool.transport.handle_async_request(request)
        try:
            body = await self._body(response)
        finally:
            await response.aclose()
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        return Reply(response.status_code, headers, body, url.netloc.decode())

    def _extensions(self, call: Call) -> dict[str, object]:
        extensions: dict[str, object] = {"timeout": {"connect": self._connect_timeout}}
        if not self._proxied:  # there httpcore would write it in the place of the address that the proxy needs
            extensions["target"] = call.target.encode("ascii")  # as it stands: httpx would take `/a/..` for `/`
        return extensions

    async def _body(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise BackendInvalid(self.service, "the body is packed although identity was asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            if len(body) + len(chunk) > self._max_body:
                raise BackendInvalid(self.service, f"the body is over {self._max_body} bytes")
            body += chunk
        return bytes(body)

    def _meaning(self, error: httpx.TransportError, url: httpx.URL) -> BackendError | httpx.TransportError:
        """What a failure of httpx is in our words; one that is our own bug (a header that cannot be sent) stays."""
        detail = f"{url.netloc.decode()}: {error}"
        if isinstance(error, httpx.TimeoutException):
            return BackendTimeout(self.service, detail)
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
            return error
        if isinstance(error, httpx.RemoteProtocolError) and not any(word in str(error) for word in _GONE):
            return BackendInvalid(self.service, detail)
        return BackendUnreachable(self.service, detail)

    def _renew(self, url: httpx.URL, pool: _Pool) -> None:
        """Put a new pool in place of one that may hold lost connections; the old one ends with its last call."""
        if self._closed:
            return
        if self._pools[url] is pool and pool.cuts and (pool.cuts >= CUTS_PER_POOL or not pool.in_flight):
            self._pools[url] = _Pool(self._transport())
            self._old.add(pool)
        if pool in self._old and not pool.in_flight:
            self._old.remove(pool)
            self._drop(pool)

    def _drop(self, pool: _Pool) -> None:
        task = asyncio.get_running_loop().create_task(pool.transport.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    """As our own wire writes them: httpx by itself refuses the upper half of Latin-1, which a client may send."""
    return [(name.encode("ascii"), text.encode("latin-1")) for name, text in headers if name.lower() not in _OURS]


def _address(service: str, url: str) -> httpx.URL:
    address = httpx.URL(url)
    if address.scheme not in ("http", "https") or not address.host or address.userinfo or address.path.strip("/"):
        raise ValueError(f"service {service}: an instance is http(s)://host:port, not {url!r}")
    return address


def _maker(http2: bool, proxy: str | None, tls: ssl.SSLContext, max_idle: int) -> Callable[[], httpx.AsyncBaseTransport]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=max_idle, keepalive_expiry=IDLE_TIMEOUT)
    return lambda: httpx.AsyncHTTPTransport(
        verify=tls, trust_env=False, http2=http2, limits=limits, proxy=httpx.Proxy(proxy) if proxy else None
    )
