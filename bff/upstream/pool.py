"""The connections to one instance: kept while they are fresh, lent out last-in first-out, opened when there is none.

Last-in first-out keeps few connections warm and lets the others end, so the pool follows the load down by itself.
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Final

from bff.deadline import Clock, Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendTimeout, BackendUnreachable
from bff.upstream.call import SAFE_METHODS, Call
from bff.upstream.http1 import LATE, Connection
from bff.upstream.http1_response import ResponseReader
from bff.upstream.stats import InstanceStats

# An aborted transport is lost in the next turns of the loop, whatever the peer does: this is for a loop that is stuck.
_CLOSING: Final = 1.0


@dataclass(frozen=True, slots=True)
class WireLimits:
    """What one instance may cost us. Times are seconds."""

    # A TCP handshake inside a region is under 5 ms and its first SYN is sent again only after 1 s: 250 ms tells a dead
    # address from a slow one, and its place and its caller's time are free again. (It is a timeout: not sent again.)
    connect_timeout: float = 0.25
    # Off: the deadline already bounds the wait, and a slow query is no fault. Set it for services known to be quick.
    first_byte_timeout: float | None = None
    # As many as the bulkhead lets be in flight: a burst's connections cost more to open again than to keep for `idle_timeout`.
    max_idle: int = 100
    # Node and uvicorn end an idle connection after 5 s, most others later (gunicorn: 2 s, set it there). Ending it a
    # second before them is what keeps a POST from meeting a connection that is just being closed.
    idle_timeout: float = 4.0
    # A service that moved, or gained an instance behind one address, is followed within a minute (design: F21).
    max_connection_age: float = 60.0
    # Decoded. A screen's sections are kilobytes; 8 MiB is parsed in tens of milliseconds and not yet a memory risk at
    # 100 calls in flight.
    max_body: int = 8 * 1024 * 1024
    # Node refuses heads over 16 KiB and nginx over 8 to 32: no honest backend comes near either cap.
    max_head: int = 32 * 1024
    max_headers: int = 100


class Pool:
    """The connections of one instance, counted in its `stats`. ValueError for a TLS context that cannot be trusted."""

    def __init__(
        self,
        service: str,
        endpoint: Endpoint,
        limits: WireLimits,
        tls: ssl.SSLContext | None,
        stats: InstanceStats,
        clock: Clock,
    ) -> None:
        self._service, self._limits, self._stats, self._clock = service, limits, stats, clock
        self._name, self._host, self._port = endpoint.name, endpoint.host, endpoint.port
        self._tls = _checked(tls) if endpoint.scheme == "https" else None
        self._certified = (endpoint.server_name or endpoint.host) if self._tls else None
        self._idle: dict[Connection, None] = {}  # ordered: the last one rested is the last one in it
        stats.kept = self._idle
        self._room, self._idle_timeout = limits.max_idle, limits.idle_timeout
        self._open: set[Connection] = set()
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    def take(self, now: float, call: Call) -> Connection | None:
        """The connection that rested last, if there is one that may still be used for this call.

        What may not be sent again is worth a look whether the backend is closing it at this very moment.
        """
        idle = self._idle
        while idle:
            connection = idle.popitem()[0]
            if (
                now < connection.expires
                and not connection.closing()
                and (call.method in SAFE_METHODS or call.repeatable or not connection.stirred())
            ):
                return connection
            connection.abort()
        return None

    async def connect(self, deadline: Deadline) -> Connection:
        """A new connection; BackendTimeout or BackendUnreachable, not `sent`, if it fails. Cancelled, it leaves nothing."""
        if self._closed:
            raise BackendUnreachable(self._service, f"{self._name}: we are shutting down", ours=True, sent=False)
        limits, clock, loop = self._limits, self._clock, asyncio.get_running_loop()
        reader = ResponseReader(
            limits.max_head, limits.max_headers, limits.max_body, instance=self._name, secure=self._tls is not None
        )
        connection = Connection(self._service, self._name, self, reader, self._stats, clock)
        connection.expires = clock.now() + limits.max_connection_age
        self._stats.connecting += 1
        timer, usable = None, False
        until = min(deadline.at, clock.now() + limits.connect_timeout)
        try:
            # The clock rings, asyncio's timeout makes a TimeoutError of this very await: no task of our own.
            async with asyncio.timeout(None) as limit:
                timer = clock.call_at(until, lambda: limit.reschedule(loop.time()))
                await loop.create_connection(
                    lambda: connection,
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._certified,
                )
            usable = connection.open and not self._closed
        except TimeoutError:
            late = clock.now() - until > LATE
            raise BackendTimeout(self._service, f"{self._name}: no connection in time", ours=late, sent=False) from None
        except OSError as error:
            raise BackendUnreachable(self._service, f"{self._name}: {error.strerror or error}", sent=False) from error
        finally:
            self._stats.connecting -= 1
            if timer is not None:
                timer.cancel()
            if not usable:
                connection.abort()
        if not usable:
            raise BackendUnreachable(self._service, f"{self._name}: closed as soon as it was open", sent=False)
        self._open.add(connection)
        self._stats.opened += 1
        return connection

    async def close(self) -> None:
        """Close every connection, those in use too; on return their sockets are closed."""
        self._closed, self._room = True, 0
        for connection in list(self._open):
            connection.end(BackendUnreachable(self._service, f"{self._name}: we are shutting down", ours=True))
        if self._open:
            self._emptied = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING):
                    await self._emptied

    # What a connection tells.

    def rested(self, connection: Connection, now: float) -> float:
        idle, room = self._idle, self._room
        if now >= connection.expires or not room:
            connection.abort()
            return inf
        if len(idle) >= room:
            self._drop(next(iter(idle)))  # the one that has rested longest is the next to go stale
        idle[connection] = None
        return now + self._idle_timeout

    def lost(self, connection: Connection) -> None:
        if connection not in self._open:
            return  # lost while it was being made: never counted as opened
        if connection in self._idle:
            self._drop(connection)
        self._open.remove(connection)
        self._stats.closed += 1
        if self._emptied is not None and not self._open and not self._emptied.done():
            self._emptied.set_result(None)

    def _drop(self, connection: Connection) -> None:
        del self._idle[connection]
        connection.abort()


def _checked(tls: ssl.SSLContext | None) -> ssl.SSLContext:
    if tls is None:
        return ssl.create_default_context()
    if not tls.check_hostname or tls.verify_mode is not ssl.CERT_REQUIRED:
        raise ValueError("a TLS context that does not verify the backend and its name")
    return tls
