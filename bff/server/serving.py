"""A worker's serving: both listeners up, until it is told to leave; then out in the order that loses no request."""

import asyncio
import socket

from bff.server.door import Door
from bff.server.face import Face
from bff.server.line import Line
from bff.server.listener import Listener
from bff.server.options import ServeOptions
from bff.server.orders import SHUTDOWN, Orders, Word
from bff.server.served import Served
from bff.server.sockets import open_private, room_for

# Only the supervisor connects there: a probe, a scrape, a console, each a few at a time.
PRIVATE_CONNECTIONS = 64

# Seconds for answers that are already made to reach their clients, when there is no other reason to wait.
FLUSH = 1.0

# Seconds between two looks for work that nobody waits for any more: a stop that is so much longer is nothing to anybody.
LOOK = 0.05


async def serve(served: Served, orders: Orders, line: Line, leave: asyncio.Event) -> int:
    """Serve a started product until `leave` is set; the exit code, 0 when every request was answered."""
    door, face = Door(served.public), Face(served)
    public = Listener(door, socket.socket(fileno=orders.listener), room_for(orders.options.connections))
    private = Listener(face, open_private(orders.private), PRIVATE_CONNECTIONS)
    public_task, private_task = asyncio.create_task(public.serve()), asyncio.create_task(private.serve())
    told = asyncio.create_task(leave.wait())
    await line.say(Word("ready"))
    await asyncio.wait({told, public_task, private_task}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    asked = leave.is_set()
    face.draining = True
    if asked:  # otherwise a listener broke: to the supervisor that is a crash, which has its backoff
        await line.say(Word("draining"))
    answered = await _serve_out(served, door, public, public_task, orders.options)
    shut = await _shut(served)
    private.stop()
    await asyncio.wait({private_task}, timeout=FLUSH)
    return 0 if asked and answered and shut else 1


async def _serve_out(served: Served, door: Door, public: Listener, serving: asyncio.Task[None], options: ServeOptions) -> bool:
    """Drain, then stop; whether every request had its answer before drain and grace were over."""
    loop = asyncio.get_running_loop()
    longest = options.drain + options.grace
    end = loop.time() + longest
    served.drain()
    door.close()
    if options.drain:
        await door.clear(options.drain, longest)
    public.stop()
    _, late = await asyncio.wait({serving}, timeout=max(0.0, end - loop.time()))
    if late:
        door.cut()
        await asyncio.wait({serving}, timeout=FLUSH)
    while served.in_flight and loop.time() < end:  # noqa: ASYNC110 - writes whose clients have gone; Served tells no moment
        await asyncio.sleep(LOOK)
    return not late and not served.in_flight


async def _shut(served: Served) -> bool:
    """Whether the product closed what it had open in time."""
    try:
        async with asyncio.timeout(SHUTDOWN):
            await served.shutdown()
    except TimeoutError:
        return False
    return True
