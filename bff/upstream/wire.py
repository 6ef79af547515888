"""The wire: HTTP/1.1 to one instance, straight onto sockets. It sends, reads strictly, ends on time and keeps nothing.

No cookies, no redirects, no proxies from the environment; no retry but for a kept connection that had gone stale. What
happens to an exchange is in http1.py, what to a connection in pool.py, what is an answer in http1_response.py
and http1_answer.py.
"""

import ssl

from bff.deadline import LOOP_CLOCK, Clock
from bff.endpoint import Endpoint
from bff.errors import BackendError, BackendTimeout
from bff.upstream.call import Attempt, Call, Reply
from bff.upstream.http1 import Stale
from bff.upstream.http1_request import RequestWriter
from bff.upstream.pool import Pool, WireLimits
from bff.upstream.stats import InstanceStats

__all__ = ["Http1Wire", "WireLimits"]


class Http1Wire:
    """`send` to one instance, counted in its `stats`. How many calls may be under way is the bulkhead's to say.

    `tls` is for https: trust, and the client certificate if one is wanted; without it the system's trust. ValueError
    for a context that cannot work.
    """

    def __init__(
        self,
        service: str,
        endpoint: Endpoint,
        stats: InstanceStats,
        limits: WireLimits | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        limits = limits or WireLimits()
        self._service, self._stats, self._clock = service, stats, clock
        self._first_byte = limits.first_byte_timeout
        self._render = RequestWriter(endpoint.authority).render
        self._pool = Pool(service, endpoint, limits, tls, stats, clock)
        self._take = self._pool.take

    async def send(self, call: Call, attempt: Attempt) -> Reply:
        """The whole answer, by `call.deadline` at the latest: from connecting to the last byte of the body.

        `attempt.started` is taken for now. Sent once; only if a kept connection turns out closed before any byte of the
        answer, and `call.repeatable`, once more on a new one. Cancelling closes the call's connection at once.
        ValueError for a call that cannot be written down (http1_request.py).
        """
        now, due = attempt.started, call.deadline.at
        if due <= now:
            raise BackendTimeout(self._service, "its time was up before it was sent", ours=True, sent=False)
        request = self._render(call, due - now, attempt.span_id)
        connection = self._take(now, call)
        written = False
        while True:
            if connection is None:
                try:
                    connection = await self._pool.connect(call.deadline)
                except BackendError as error:
                    error.sent = written  # a connection that had gone stale may have taken it all the same
                    raise
                now = self._clock.now()
                request = self._render(call, due - now, attempt.span_id)  # connecting took of the time that it tells
            written = True
            if call.method == "HEAD":
                connection.expect_no_body()
            waiter = connection.ask(request, due)
            if self._first_byte is not None:
                connection.expect_first_byte(now + self._first_byte)
            try:
                return await waiter
            except Stale:  # told by kept connections only, so the new one is the last
                if not call.repeatable:
                    raise
                self._stats.stale += 1
            except BaseException:
                # Still ours: we were cancelled. (An exchange that has ended has let go of its connection, which may
                # by now be another call's.)
                if connection.waiter is waiter:
                    connection.abort()
                raise
            finally:
                del waiter  # its error's traceback has this frame: a circle for each failure, left to the collector
            connection = None

    async def close(self) -> None:
        """Close every connection. Calls in flight end as BackendUnreachable, and so does every later one."""
        await self._pool.close()
