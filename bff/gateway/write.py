"""Writes an answer to the client, with the headers that every answer carries."""

from typing import Final

from starlette.types import Send

from bff.faces.answer import Answer, Headers
from bff.gateway.context import REQUEST_ID
from bff.gateway.request import Request
from bff.gateway.security_headers import security_headers
from bff.gateway.slow_reader import PART, Body, in_parts

_CLOSE: Final = (b"connection", b"close")
# They have no body, and a length of 0 would be told as that of what they stand for (RFC 9110 section 8.6).
_BODILESS: Final = (204, 304)


async def write(request: Request, answer: Answer, send: Send, *, closing: bool) -> int:
    """Send status, headers and body (none for HEAD, though its length is told: RFC 9110 section 9.3.2); the bytes of the body.

    A long body is let go of while it is sent: `answer` has none afterwards. Raises ClientGone when the client does not take
    it in time; its connection is closed soon after.
    """
    status, content_type, size, own = answer.status, answer.content_type, len(answer.body), answer.headers
    is_head = request.method == "HEAD"
    headers: Headers = security_headers(content_type, request.scope.get("scheme", "http"), own)
    headers.append((REQUEST_ID, request.id.encode()))
    headers += request.headers
    headers += own
    if status not in _BODILESS:
        headers.append((b"content-type", content_type))
        if size or not is_head:  # a plain route's HEAD has no body to measure
            headers.append((b"content-length", b"%d" % size))
    if closing and _CLOSE not in headers:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if size <= PART or is_head:
        await send({"type": "http.response.body", "body": b"" if is_head else answer.body})
    else:
        body, answer.body = Body(answer.body), b""
        await in_parts(request, body, send)
    return 0 if is_head else size
