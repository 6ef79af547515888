"""Reads a request's body, whole and bounded."""

from bff.faces.problems import Problem
from bff.gateway.request import Request


class ClientGone(Exception):
    """The client closed the connection before it had its answer: there is nobody to answer."""


async def read_body(request: Request, most: int) -> bytes:
    """The whole body; raises the 413 problem as soon as it is larger than `most` bytes (S103), whatever it announced."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            raise Problem("too-large", f"the body is larger than {most} bytes")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
