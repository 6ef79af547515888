"""Ends the work for a client that has gone (F26): nobody waits for the answer, so nothing should be asked any more."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

from bff.gateway.body import ClientGone

T = TypeVar("T")

# Most screens are done by then and never pay for a watcher (a task, and a future of the server's: 10 us). A client
# that goes earlier is noticed at this moment, well inside the 100 ms that F26 allows.
WATCH_AFTER = 0.05


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """`work`'s result; when the client closes the connection first, `work` is cancelled and ClientGone is raised.

    Only for a request whose body has been read (or that has none), and only for what is safe to leave off: a write in
    progress must not be cut. ASGI servers do not cancel a handler by themselves.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("while_connected runs inside a task")
    watcher = _Watcher(receive, task)
    timer = asyncio.get_running_loop().call_later(WATCH_AFTER, watcher.start)
    try:
        return await work
    except asyncio.CancelledError:
        if watcher.gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        timer.cancel()
        watcher.stop()


class _Watcher:
    """Waits for the client's going and then cancels the task that works for it."""

    __slots__ = ("_receive", "_watching", "_working", "gone")

    def __init__(self, receive: Receive, working: asyncio.Task[object]) -> None:
        self._receive = receive
        self._working = working
        self._watching: asyncio.Task[None] | None = None
        self.gone = False

    def start(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._working.cancel()
