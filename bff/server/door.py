"""The door between Granian and the public app: it knows when it is safe to shut.

Safe means: no connection is at rest, for those are the ones a stop cuts. A connection at rest is there because its last
answer did not say `Connection: close`, and it stays HEADER_TIMEOUT at most. So: from `close()` on every answer says it,
and the door may be shut once the last answer that did not is that long ago.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bff.server.answers import answer_json
from bff.server.listener import HEADER_TIMEOUT
from bff.server.shutter import SHUT, Shutter

# From the moment the app has ended until hyper has written the answer and started its timer, and the timer's own lag.
MARGIN = 0.5


class Door:
    """An ASGI app around `app` that closes connections, one answer at a time, once it is told to."""

    __slots__ = ("_app", "_clock", "_closing", "_cut", "_kept_until", "_running", "_shut")

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._closing = False
        self._cut = False
        self._running: set[asyncio.Task[object]] = set()
        self._shut = Shutter().shut
        self._kept_until = clock()  # no connection at rest outlives this moment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        closing = self._closing
        task = asyncio.current_task()
        assert task is not None  # Granian runs each request as a task
        self._running.add(task)
        scope[SHUT] = self._shut
        try:
            await self._app(scope, receive, _closing(send) if closing else send)
        except asyncio.CancelledError:
            if self._cut:
                await _give_up(send)
            raise
        finally:
            self._running.discard(task)
            if not closing:
                # Also when the door began to close meanwhile: the answer's head may have been sent before.
                self._kept_until = self._clock() + HEADER_TIMEOUT + MARGIN

    def close(self) -> None:
        """From now on every answer closes its connection, whether or not the app thinks of it."""
        self._closing = True

    async def clear(self, drain: float, longest: float) -> None:
        """Return when `drain` seconds have passed and no connection is at rest, after `longest` seconds in any case."""
        start = self._clock()
        until = start + drain
        while (left := until - self._clock()) > 0:
            await asyncio.sleep(left)
            # Requests that had begun before close() may have ended meanwhile and left connections at rest.
            until = min(max(until, self._kept_until), start + longest)

    def cut(self) -> None:
        """Cancel what still runs; who has no answer yet gets a 503."""
        self._cut = True
        for task in self._running:
            task.cancel()


async def _give_up(send: Send) -> None:
    with suppress(RuntimeError):  # what Granian raises when the answer has begun: then all we can do is break it off
        await answer_json(_closing(send), 503, {"error": "the server is stopping"})


def _closing(send: Send) -> Send:
    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"connection"]
            message = {**message, "headers": [*kept, (b"connection", b"close")]}
        await send(message)

    return send_closing
