"""Ends the work for a client that has gone (F26): nobody waits for the answer, so nothing should be asked any more."""

import asyncio
from asyncio import current_task, get_running_loop
from collections.abc import Awaitable
from typing import TypeVar

from msgspec import Struct
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
    task = current_task()
    if task is None:
        raise RuntimeError("while_connected runs inside a task")
    watcher = _Watcher(receive, task)
    timer = get_running_loop().call_later(WATCH_AFTER, watcher.start)
    try:
        return await work
    except asyncio.CancelledError:
        if watcher.gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        timer.cancel()
        if watcher.watching is not None:
            watcher.watching.cancel()


class _Watcher(Struct):  # a Struct: made in C
    """Waits for the client's going and then cancels the task that works for it."""

    receive: Receive
    working: asyncio.Task[object]
    watching: asyncio.Task[None] | None = None
    gone: bool = False

    def start(self) -> None:
        self.watching = get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self.working.cancel()
