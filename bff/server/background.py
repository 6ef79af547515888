"""Who goes first on a core: the event loop, before the threads that serve it."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")


def in_background(spawn: Callable[P, Coroutine[object, object, None]]) -> Callable[P, Coroutine[object, object, None]]:
    """`spawn`, whose threads wait for their turn when they wake: those that it makes before it first waits.

    They are of Linux's SCHED_BATCH, as are all threads that they make (sched(7)); elsewhere, and where a sandbox forbids
    it, they are as they were.
    """
    # A server's thread that is woken by a request would interrupt the loop's thread, only to wait for the interpreter's
    # lock, which that one holds: 1.6 times a screen, and 0.07 with this. W1 on one core takes 0.80 to 0.87 of the CPU.

    @wraps(spawn)
    async def spawned(*args: P.args, **kwargs: P.kwargs) -> None:
        # Where it is not the usual one, somebody has chosen it for us.
        if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:
            with suppress(OSError):
                _follow(os.SCHED_BATCH)  # a thread inherits it from the one that makes it
                asyncio.get_running_loop().call_soon(_follow, os.SCHED_OTHER)  # after this step, in which they are made
        await spawn(*args, **kwargs)

    return spawned


def _follow(policy: int) -> None:
    """This thread, from now on."""
    os.sched_setscheduler(0, policy, os.sched_param(0))
