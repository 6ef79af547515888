"""A thread of its own for what may hang: a disk that does not answer takes no thread that others need."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

_Done = TypeVar("_Done")


def in_own_thread(work: Callable[[], _Done], name: str) -> asyncio.Future[_Done]:
    """What `work` gives or raises, once it has ended. It cannot be stopped, and nobody waits for it when the program ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Done] = loop.create_future()

    def told(result: _Done | None, fault: Exception | None) -> None:
        if done.cancelled():
            return
        if fault is not None:
            done.set_exception(fault)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # without a fault it is what `work` gave

    def run() -> None:
        result, fault = None, None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001  # whatever it is, it is told to who waits
            fault = raised
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            loop.call_soon_threadsafe(told, result, fault)

    # No executor: the default one is everybody's (DNS, files), and any is waited for at the end. A daemon is not.
    Thread(target=run, name=name, daemon=True).start()
    return done
