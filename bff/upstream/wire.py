"""The wire: HTTP/1.1 to one service, straight onto sockets. It sends, reads strictly, ends on time and keeps nothing.

No cookies, no redirects, no proxies from the environment; no retry but for a kept connection that had gone stale. What
happens to an exchange is in http1.py, what to a connection in pool.py, what is an answer in http1_response.py.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from math import inf

from bff.deadline import LOOP_CLOCK, Clock
from bff.errors import BackendBusy, BackendTimeout
from bff.upstream.call import Call, Reply
from bff.upstream.http1 import Stale
from bff.upstream.pool import InstancePool, PoolStats, WireLimits

__all__ = ["Choose", "Http1Wire", "PoolStats", "WireLimits", "round_robin"]

Choose = Callable[[Sequence[InstancePool]], InstancePool]


def round_robin() -> Choose:
    """Each instance in its turn."""
    turns = count()
    return lambda pools: pools[next(turns) % len(pools)]


class Http1Wire:
    """`send` to a service of one or more instances ("http://host:port" or "https://host:port").

    `tls` is for https instances: trust, and the client certificate if one is wanted; without it the system's trust.
    ValueError for instances or a context that cannot work.
    """

    def __init__(
        self,
        service: str,
        instances: Sequence[str],
        limits: WireLimits | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        choose: Choose | None = None,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        if not instances:
            raise ValueError(f"service {service}: no instance to call")
        self._service, self._limits, self._clock = service, limits or WireLimits(), clock
        wait = self._limits.first_byte_timeout
        self._first_byte = inf if wait is None else wait
        self._stats = PoolStats()
        self._pools = [InstancePool(service, url, self._limits, tls, self._stats, clock) for url in instances]
        self._choose = choose or round_robin()

    async def send(self, call: Call) -> Reply:
        """The whole answer, by `call.deadline` at the latest: from connecting to the last byte of the body.

        Sent once; only if a kept connection turns out closed before any byte of the answer, and `call.repeatable`, once
        more on a new one. Cancelling closes the call's connection and frees its place at once. ValueError for a call
        that cannot be written down (http1_request.py).
        """
        now, stats = self._clock.now(), self._stats
        if call.deadline.at <= now:
            raise BackendTimeout(self._service, "its time was up before it was sent")
        if stats.in_flight >= self._limits.max_in_flight:
            raise BackendBusy(self._service, f"{stats.in_flight} calls are in flight")
        pool = self._choose(self._pools)
        request = pool.render(call)
        stats.in_flight += 1
        try:
            connection = pool.take(now, call.repeatable)
            while True:
                if connection is None:
                    connection = await pool.connect(call.deadline)
                    now = self._clock.now()
                waiter = connection.ask(request, call.method, call.deadline, now + self._first_byte)
                try:
                    return await waiter
                except Stale:  # told by kept connections only, so the new one is the last
                    if not call.repeatable:
                        raise
                    stats.retried += 1
                finally:
                    # Still ours: we were cancelled. (An exchange that has ended has let go of its connection, which may
                    # by now be another call's.)
                    if connection.waiter is waiter:
                        connection.abort()
                connection = None
        finally:
            stats.in_flight -= 1

    def stats(self) -> PoolStats:
        """The counts as they are now."""
        return replace(self._stats)

    async def close(self) -> None:
        """Close every connection. Calls in flight end as BackendUnreachable, and so does every later one."""
        for pool in self._pools:
            await pool.close()
