"""The way to an introspection server: httpx, with connections that are kept and a pool that is never wounded."""

import asyncio
import ssl
from base64 import b64encode
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.parse import quote_plus

import httpx

from bff.identity.introspection import NotAnswered
from bff.identity.unauthenticated import Unauthenticated

MAX_BODY: Final = 64 * 1024  # answers have under 1 KB
_POOL: Final = httpx.Limits(max_connections=100, max_keepalive_connections=10, keepalive_expiry=30.0)


class HttpAsk:
    """An Ask over httpx: posts a form with HTTP Basic (RFC 6749 section 2.3.1). It follows no redirect and keeps no cookie.

    httpx 0.28 loses a pool's slot whenever a call is cancelled, as each question is that takes too long. So a client that
    had one cancelled gets no further question, and is closed after its last.
    """

    def __init__(self, url: str, client_id: str, client_secret: str, context: ssl.SSLContext | None = None) -> None:
        self._url = url
        named = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        self._headers = {
            "authorization": f"Basic {b64encode(named.encode()).decode()}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            "accept-encoding": "identity",
        }
        self._context = context or ssl.create_default_context()
        self._line: _Line | None = None

    async def __call__(self, form: bytes) -> bytes:
        line = self._line
        if line is None:
            line = self._line = _Line(self._context)
        line.users += 1
        try:
            async with line.client.stream("POST", self._url, content=form, headers=self._headers) as reply:
                return await _body(reply)
        except httpx.HTTPError as fault:
            raise NotAnswered(f"{type(fault).__name__}: {fault}") from fault
        except asyncio.CancelledError:
            if self._line is line:
                self._line = None
            raise
        finally:
            line.users -= 1
            if self._line is not line and line.users == 0:
                await line.client.aclose()

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None and line.users == 0:
            await line.client.aclose()


class _Line:
    """One httpx client, and how many questions are on it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.users = 0
        # The timeout is the asker's, who cancels; httpx's own are for each read, not for the whole.
        self.client = httpx.AsyncClient(
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=None,
            limits=_POOL,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )


async def _body(reply: httpx.Response) -> bytes:
    if reply.status_code == httpx.codes.BAD_REQUEST:  # of this token: it may go on serving all others
        raise Unauthenticated("malformed")
    if reply.status_code != httpx.codes.OK:
        raise NotAnswered(f"status {reply.status_code}")
    if reply.headers.get("content-encoding", "identity") != "identity":
        raise NotAnswered("it is compressed, which was not asked for: its size cannot be told")
    body = bytearray()
    async for piece in reply.aiter_raw():
        body += piece
        if len(body) > MAX_BODY:
            raise NotAnswered(f"longer than {MAX_BODY} bytes")
    return bytes(body)
