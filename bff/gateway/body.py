"""Reads a request's body, whole and bounded."""

import asyncio

from bff.faces.answer import Headers
from bff.faces.problems import Problem
from bff.gateway.request import Request

# Seconds for a whole body. One of the largest size at 70 KB/s, a poor mobile link.
BODY_TIMEOUT = 15.0
# Seconds for its beginning, as slow headers have (F47), and the bytes a second that each further second takes: a body that
# is announced and then kept back (S090), or dripped, holds one of the places in flight for no longer than this.
BODY_GRACE = 5.0
BODY_RATE = 1024
# What follows on the connection could be the rest of this body.
_CLOSE: Headers = [(b"connection", b"close")]


class ClientGone(Exception):
    """The client closed the connection before it had its answer: there is nobody to answer."""


async def read_body(request: Request, most: int) -> bytes:
    """The whole body; raises the 413 problem as soon as it is larger than `most` bytes (S103), whatever it announced.

    It is read once: who asks again gets what was kept in `request.body`. 408 when it takes longer than BODY_TIMEOUT or comes
    slower than BODY_RATE; 400 when it breaks off, which is also how servers tell a bad chunk (S084); 415 when it is
    compressed: nothing here unpacks, so a bomb (S104) stays what it is.
    """
    if request.body is not None:
        if len(request.body) > most:
            raise _too_large(most)
        return request.body
    _refuse_packed(request)
    request.body = await _whole(request, most)
    return request.body


async def _whole(request: Request, most: int) -> bytes:
    loop = asyncio.get_running_loop()
    start = loop.time()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(min(BODY_GRACE, BODY_TIMEOUT)) as timer:
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
                timer.reschedule(start + min(BODY_GRACE + size / BODY_RATE, BODY_TIMEOUT))
    except TimeoutError:
        detail = f"no whole body within {BODY_TIMEOUT:g} s, or less of it than {BODY_RATE} bytes a second"
        raise Problem("request-timeout", detail, headers=_CLOSE) from None


def _refuse_packed(request: Request) -> None:
    if request.header(b"content-encoding") not in (None, "identity"):
        raise Problem("unsupported-media-type", "send the body as it is, without Content-Encoding", headers=_CLOSE)


def _too_large(most: int) -> Problem:
    return Problem("too-large", f"the body is larger than {most} bytes", headers=_CLOSE)
