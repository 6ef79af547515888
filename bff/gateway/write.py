"""Writes an answer to the client, with the headers that every answer carries."""

from starlette.types import Send

from bff.faces.answer import Answer, Headers
from bff.gateway.context import REQUEST_ID
from bff.gateway.request import Request

# A browser must not guess another type than the one stated (WHATWG fetch, "nosniff").
_NO_SNIFF = (b"x-content-type-options", b"nosniff")
# Until caching is declared, nothing composed for one caller may be kept for another.
_NO_STORE = (b"cache-control", b"no-store")
_CLOSE = (b"connection", b"close")
# They have no body, and a length of 0 would be told as that of what they stand for (RFC 9110 section 8.6).
_BODILESS = (204, 304)


async def write(request: Request, answer: Answer, send: Send, *, closing: bool) -> None:
    """Send status, headers and body (none for HEAD, though its length is told: RFC 9110 section 9.3.2)."""
    headers: Headers = [(REQUEST_ID, request.id.encode()), _NO_SNIFF, _NO_STORE, *request.headers, *answer.headers]
    if answer.status not in _BODILESS:
        headers.append((b"content-type", answer.content_type))
        if answer.body or request.method != "HEAD":  # a plain route's HEAD has no body to measure
            headers.append((b"content-length", str(len(answer.body)).encode()))
    if closing and _CLOSE not in headers:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})
