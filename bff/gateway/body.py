"""Reads a request's body, whole and bounded."""

import asyncio

from bff.faces.answer import Headers
from bff.faces.problems import Problem
from bff.gateway.request import Request

# Seconds for a whole body (S090: announced and then kept back). A body of the largest size at 70 KB/s, a poor mobile link.
BODY_TIMEOUT = 15.0
# What follows on the connection could be the rest of this body.
_CLOSE: Headers = [(b"connection", b"close")]


class ClientGone(Exception):
    """The client closed the connection before it had its answer: there is nobody to answer."""


async def read_body(request: Request, most: int) -> bytes:
    """The whole body; raises the 413 problem as soon as it is larger than `most` bytes (S103), whatever it announced.

    It is read once: who asks again gets what was kept in `request.body`. 408 when it takes longer than BODY_TIMEOUT; 400
    when it breaks off, which is also how servers tell a bad chunk (S084).
    """
    if request.body is not None:
        if len(request.body) > most:
            raise _too_large(most)
        return request.body
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            request.body = await _whole(request, most)
            return request.body
    except TimeoutError:
        raise Problem("request-timeout", f"no whole body within {BODY_TIMEOUT:g} s", headers=_CLOSE) from None


async def _whole(request: Request, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Problem("bad-request", "the body breaks off before its end", headers=_CLOSE)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(most: int) -> Problem:
    return Problem("too-large", f"the body is larger than {most} bytes")
