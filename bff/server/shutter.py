"""Closes connections that Granian would keep: it hands out none, so they are looked for by their clients' addresses.

It has no timeout of its own for writing, and keeps the connection of an answer that was broken off, with a megabyte of it,
until its client has taken what was written.
"""

import asyncio
import os
import socket
import stat
import struct
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

Client = tuple[str, int]

# The key of the ASGI scope under which the app finds what closes a connection: a call with the scope's `client`.
SHUT: Final = "bff.shut"
# Seconds in which clients gather: one look is at every descriptor of the process (5 us each), whether for one or for all.
GATHER: Final = 1.0
# On, for no second: what is unsent when Granian closes is dropped, where the kernel would go on offering it.
_DROP_UNSENT: Final = struct.pack("ii", 1, 0)
_DESCRIPTORS: Final = Path("/proc/self/fd")


class Shutter:
    """Closes the connections of clients that were given up, within a second or two, all of them in one look."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()  # as many as there are connections at most
        self._looking: asyncio.Task[None] | None = None

    def shut(self, client: tuple[str, int | str]) -> None:
        """Close the connection with this client; Granian tells ports as text."""
        self._clients.add((client[0], int(client[1])))
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        try:
            while self._clients:
                await asyncio.sleep(GATHER)
                clients, self._clients = self._clients, set()
                await asyncio.to_thread(shut, clients)
        finally:
            self._looking = None


def shut(clients: Collection[Client]) -> int:
    """Shut this process's connections with these clients; how many there were. Without /proc there are none.

    Each is looked at on a copy of its descriptor, which cannot become another connection between the look and the shutting.
    """
    found = 0
    for name in os.listdir(_DESCRIPTORS) if _DESCRIPTORS.exists() else ():
        with suppress(OSError):  # closed meanwhile, or not connected
            number = int(name)
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                with socket.socket(fileno=os.dup(number)) as copy:
                    if copy.family != socket.AF_UNIX and copy.getpeername()[:2] in clients:
                        copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_UNSENT)
                        copy.shutdown(socket.SHUT_RDWR)  # which Granian sees, and closes
                        found += 1
    return found
