"""A worker's admin face, on its private unix socket: its own state, and behind it the product's admin app."""

import asyncio
import os
import resource
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.types import Receive, Scope, Send

from bff.server.answers import answer_json
from bff.server.served import Served, WithStats

Answer = tuple[int, Mapping[str, object]]


class Face:
    """GET /livez, /readyz and /stats of one worker; every other request is the product's."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._own: dict[str, Callable[[], Answer]] = {"/livez": _livez, "/readyz": self._readyz, "/stats": self._stats}
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = self._own.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        if own is None:
            await self._served.admin(scope, receive, send)
        else:
            await answer_json(send, *own())

    def _readyz(self) -> Answer:
        return (503, {"state": "draining"}) if self.draining else (200, {"state": "ready"})

    def _stats(self) -> Answer:
        more = self._served.stats() if isinstance(self._served, WithStats) else {}
        return 200, {**more, **process_stats(), "in_flight": self._served.in_flight}


def _livez() -> Answer:
    return 200, {"state": "live"}


def process_stats() -> dict[str, int]:
    """This process as a soak test wants it: what must come back to its baseline."""
    return {
        "pid": os.getpid(),
        "tasks": len(asyncio.all_tasks()),
        "fds": len(os.listdir("/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd")),
        "rss": _rss(),
    }


def _rss() -> int:
    """Bytes resident now; where there is no /proc, the most there ever were."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
