"""The supervisor's way to one worker's admin face."""

import asyncio
from dataclasses import dataclass

import httpx

# A worker that does not answer its probe in a second has a blocked event loop: not ready is then the truth.
PROBE_TIMEOUT = 1.0

# Docs, schemas and consoles are built on demand; longer than this nobody waits for them.
FORWARD_TIMEOUT = 30.0

# The largest page behind the admin port is a bundled GraphiQL, a few MB.
LARGEST_ANSWER = 16 * 1024 * 1024

Headers = list[tuple[bytes, bytes]]

# RFC 9110 section 7.6.1: these are about one connection. The length is written anew.
_OF_ONE_CONNECTION: frozenset[bytes] = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade", b"content-length")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """One whole answer, as it came."""

    status: int
    headers: Headers
    body: bytes


class PeerError(Exception):
    """The worker gave no whole answer: it is gone, too slow, or the answer is too large."""


class Peer:
    """One worker's unix socket. Close it when the worker is gone."""

    def __init__(self, path: str) -> None:
        # No connection is kept: the worker's idle timeout and ours would race, and the admin port is no hot path.
        transport = httpx.AsyncHTTPTransport(
            uds=path, verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._client = httpx.AsyncClient(transport=transport, base_url="http://worker", trust_env=False)

    async def get(self, path: str) -> Page:
        """GET `path` within the probe's time."""
        return await self._send("GET", path, [], b"", PROBE_TIMEOUT)

    async def forward(self, method: str, target: str, headers: Headers, body: bytes) -> Page:
        """Pass a request on, without what was about the connection it came by."""
        return await self._send(method, target, _end_to_end(headers), body, FORWARD_TIMEOUT)

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, method: str, target: str, headers: Headers, body: bytes, within: float) -> Page:
        try:
            async with (
                asyncio.timeout(within),
                self._client.stream(method, target, headers=headers, content=body, timeout=within) as response,
            ):
                read = bytearray()
                async for chunk in response.aiter_raw():
                    read += chunk
                    if len(read) > LARGEST_ANSWER:
                        raise PeerError(f"answer larger than {LARGEST_ANSWER} bytes")
                return Page(response.status_code, _end_to_end(response.headers.raw), bytes(read))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise PeerError(str(error) or type(error).__name__) from error


def _end_to_end(headers: Headers) -> Headers:
    dropped: set[bytes] = set(_OF_ONE_CONNECTION)
    for key, value in headers:
        if key.lower() == b"connection":
            dropped.update(name.strip().lower() for name in value.split(b","))
    return [(key, value) for key, value in headers if key.lower() not in dropped]
