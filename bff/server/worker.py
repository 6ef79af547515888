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
from bff.server.door import Door
from bff.server.face import Face
from bff.server.factory import build
from bff.server.line import Line
from bff.server.listener import Listener
from bff.server.orders import REFUSED, SHUTDOWN, Orders, Word
from bff.server.served import Served
from bff.server.sockets import open_private, room_for

# Only the supervisor connects there: a probe, a scrape, a console, each a few at a time.
PRIVATE_CONNECTIONS = 64

# Seconds for answers that are already made to reach their clients, when there is no other reason to wait.
FLUSH = 1.0


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
    try:
        served = build(orders.options)
        await served.startup()
    except Refusal as refusal:
        await line.say(Word("refused", refusal.faults))
        return REFUSED
    async with asyncio.TaskGroup() as group:
        orphaned = group.create_task(line.cut(leave))
        code = await _serve(served, orders, line, leave)
        orphaned.cancel()
    return code


async def _serve(served: Served, orders: Orders, line: Line, leave: asyncio.Event) -> int:
    options = orders.options
    door, face = Door(served.public), Face(served)
    public = Listener(door, socket.socket(fileno=orders.listener), room_for(options.connections))
    private = Listener(face, open_private(orders.private), PRIVATE_CONNECTIONS)
    serving = {asyncio.create_task(public.serve()): public, asyncio.create_task(private.serve()): private}
    asked = asyncio.create_task(leave.wait())
    await line.say(Word("ready"))
    await asyncio.wait({asked, *serving}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()

    loop = asyncio.get_running_loop()
    end = loop.time() + options.drain + options.grace
    face.draining = True
    door.close()
    served.drain()
    await line.say(Word("draining"))
    if options.drain:
        await door.clear(options.drain, options.drain + options.grace)
    public.stop()
    public_task, private_task = serving
    _, running = await asyncio.wait({public_task}, timeout=max(0.0, end - loop.time()))
    if running:
        door.cut()
        await asyncio.wait({public_task}, timeout=FLUSH)
    whole = await _shut(served)
    private.stop()
    await asyncio.wait({private_task}, timeout=FLUSH)
    return 0 if whole and not running and leave.is_set() else 1


async def _shut(served: Served) -> bool:
    """Whether the product closed what it had open in time."""
    try:
        async with asyncio.timeout(SHUTDOWN):
            await served.shutdown()
    except TimeoutError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
