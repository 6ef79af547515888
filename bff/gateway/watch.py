"""Ends the work for a client that has gone (F26): nobody waits for the answer, so nothing should be asked any more."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

from bff.gateway.body import ClientGone

T = TypeVar("T")


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """`work`'s result; when the client closes the connection first, `work` is cancelled and ClientGone is raised.

    Only for a request whose body has been read (or that has none), and only for what is safe to leave off: a write in
    progress must not be cut. ASGI servers do not cancel a handler by themselves.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("while_connected runs inside a task")
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watcher = asyncio.get_running_loop().create_task(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        watcher.cancel()
