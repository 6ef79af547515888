"""Granian's embed server on a socket that is already open.

Granian opens its TCP socket itself, one for each worker with SO_REUSEPORT. `_init_shared_socket` is the place where it
does so; that one method is replaced here. The one that makes its threads is wrapped, and nothing else is touched.
"""

import socket

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp

from bff.server.background import in_background
from bff.server.sockets import BACKLOG

# Seconds from the first moment a connection could send a request until its header is whole. hyper runs the same timer
# on a connection at rest, so this is the keep-alive timeout too. Slow headers must be gone within 6 s (F47).
HEADER_TIMEOUT = 5.0

# Bytes of one request's head; above it hyper answers 431 by itself. 16 KB is what balancers let through.
HEADER_BYTES = 16384

# Granian's own words go to the `_granian` logger and on to the root, whose handlers are the product's. "incremental"
# because a full dictConfig would close every handler the product has set up.
_LOGS = {"incremental": True, "formatters": {}, "handlers": {}, "loggers": {"_granian": {"propagate": True}}}


class Listener(Server):
    """Serves `app` over HTTP/1.1 on `opened`, which it owns from now on: `await serve()` until `stop()`.

    `connections` is Granian's `backpressure`: it takes a permit before it accepts and gives it back when the connection
    ends, so this many may be open, in use or at rest; the rest wait in the queue (or for another worker).

    `stop()` closes connections at rest there and then and lets running requests end; `serve()` returns after the last.
    Whoever reuses a connection in that very moment sees a reset: worker.py drains before it stops.
    """

    _spawn_asgi_worker = staticmethod(in_background(Server._spawn_asgi_worker))  # pyright: ignore[reportAssignmentType]

    def __init__(self, app: ASGIApp, opened: socket.socket, connections: int) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,  # Served has startup and shutdown; a lifespan would be a second way
            http=HTTPModes.http1,  # HTTP/2 in the clear is for nobody; with TLS it comes by ALPN
            websockets=False,  # nothing speaks it yet
            backlog=BACKLOG,
            backpressure=connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=int(HEADER_TIMEOUT * 1000),
                max_buffer_size=HEADER_BYTES,
            ),
            log_level=LogLevels.error,
            log_dictconfig=_LOGS,
        )
        self._opened = opened

    def _init_shared_socket(self) -> None:
        uds = self._opened.family == socket.AF_UNIX
        self._ssp = None
        # Granian closes the descriptor when it stops accepting, hence detach(): it must have one owner. The stub knows
        # neither the constructor nor that the attribute holds one; Granian's own pickling calls it with these three.
        self._shd = SocketHolder(self._opened.detach(), uds, BACKLOG)  # type: ignore[call-arg, assignment]

    def stop(self) -> None:
        super().stop()  # type: ignore[no-untyped-call]  # Granian has no annotations there
