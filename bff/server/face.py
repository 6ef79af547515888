"""A worker's admin face, on its private unix socket: its own state, and behind it the product's admin app."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.types import Receive, Scope, Send

from bff.memory import resident
from bff.server.answers import METRICS_TYPE, answer, answer_json
from bff.server.served import Served, WithMetrics, WithStats

METRICS = "/metrics"

Answer = tuple[int, Mapping[str, object]]


class Face:
    """GET /livez, /readyz, /stats and /metrics of one worker; every other request is the product's."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._own: dict[str, Callable[[], Answer]] = {"/livez": _livez, "/readyz": self._readyz, "/stats": self._stats}
        self.draining = False
        self._started = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = self._own.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        if own is not None:
            await answer_json(send, *own())
        elif scope["path"] == METRICS:
            await self._metrics(send)
        else:
            await self._served.admin(scope, receive, send)

    async def _metrics(self, send: Send) -> None:
        page = await self._served.metrics() if isinstance(self._served, WithMetrics) else None
        if page is None:
            await answer_json(send, 404, {"error": "there are no metrics"})
        else:
            await answer(send, 200, [(b"content-type", METRICS_TYPE)], page)

    def _readyz(self) -> Answer:
        return (503, {"state": "draining"}) if self.draining else (200, {"state": "ready"})

    def _stats(self) -> Answer:
        more = self._served.stats() if isinstance(self._served, WithStats) else {}
        uptime = round(time.monotonic() - self._started, 1)
        return 200, {**more, **process_stats(), "in_flight": self._served.in_flight, "uptime": uptime}


def _livez() -> Answer:
    return 200, {"state": "live"}


def process_stats() -> dict[str, int]:
    """This process as a soak test wants it: what must come back to its baseline."""
    return {
        "pid": os.getpid(),
        "tasks": len(asyncio.all_tasks()),
        "fds": len(os.listdir("/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd")),
        "rss": resident(),
    }
