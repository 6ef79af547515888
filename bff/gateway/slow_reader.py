"""A long answer to a client that reads slowly, or not at all (F46): it waits in parts, not whole, and not for ever.

Granian takes any body at once and holds what the kernel does not; only of a body in parts does its `send` wait until there
is room.
"""

import asyncio
from typing import Final

from starlette.types import Send

from bff.gateway.body import ClientGone
from bff.gateway.request import Request
from bff.server.shutter import SHUT

# Bytes handed over at once. Screens are shorter, so they go whole; the kernel takes as much from any connection.
PART: Final = 64 * 1024
# Seconds for one part: 2 KB/s, below which nobody loads a picture. nginx's send_timeout is 60 s between two writes.
PART_TIMEOUT: Final = 30.0


async def in_parts(request: Request, body: bytes, send: Send, within: float = PART_TIMEOUT) -> None:
    """Send the body of an answer that has begun.

    Raises ClientGone when a part is not taken within so many seconds; its connection is closed soon after, whatever it holds.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within) as timer:
            for start in range(0, len(body), PART):
                timer.reschedule(loop.time() + within)
                end = start + PART
                await send({"type": "http.response.body", "body": body[start:end], "more_body": end < len(body)})
    except TimeoutError:
        request.refused = "reads too slowly"
        if (shut := request.scope.get(SHUT)) is not None:
            shut(request.scope["client"])
        raise ClientGone from None
