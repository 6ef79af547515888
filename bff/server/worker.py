"""One worker: `python -m bff.server.worker ORDERS`, started by the supervisor and by nobody else.

A fresh interpreter, not a fork: gRPC and threads do not survive one. It drains and exits when it gets SIGTERM and when
the supervisor is gone. Exit code 0: every request was answered; 1: some were cut or something broke; 2: refused.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence

import uvloop

from bff.errors import Refusal
from bff.server.factory import build
from bff.server.leaving import leave
from bff.server.line import Line
from bff.server.memory import settle
from bff.server.orders import REFUSED, SHUTDOWN, Orders, Word
from bff.server.served import Served
from bff.server.serving import serve


def main(arguments: Sequence[str]) -> int:
    orders = Orders.read(arguments[0])
    for descriptor in (orders.listener, orders.line):
        os.set_inheritable(descriptor, False)  # a child of the product would keep the port open after us
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work(orders))


async def work(orders: Orders) -> int:
    """Build what is to be served, serve it until told to leave, leave; the exit code."""
    line = await Line.open(socket.socket(fileno=orders.line))
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
    orphaned = asyncio.create_task(line.cut(leave))
    try:
        served = build(orders.options)
        if not await _started(served, leave):
            return 0
        settle()
        return await serve(served, orders, line, leave)
    except Refusal as refusal:
        await line.say(Word("refused", refusal.faults))
        return REFUSED
    finally:
        orphaned.cancel()


async def _started(served: Served, leave: asyncio.Event) -> bool:
    """Start the product; False when told to leave before it was ready."""
    starting, told = asyncio.create_task(served.startup()), asyncio.create_task(leave.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if starting.done():
        await starting
        return True
    starting.cancel()
    await asyncio.wait({starting}, timeout=SHUTDOWN)
    return False


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
