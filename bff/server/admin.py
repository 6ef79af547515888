"""The supervisor's admin port: its own state, the workers' figures, and behind them one worker's admin face."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from bff.server.answers import METRICS_TYPE, answer, answer_json
from bff.server.face import METRICS, process_stats
from bff.server.fleet import Fleet
from bff.server.listener import Listener
from bff.server.near import is_near
from bff.server.peer import Headers, Page, Peer, PeerError
from bff.server.process import Worker
from bff.server.scrape import Scrapes

# A GraphiQL query or a console's switch; nothing an operator sends is larger.
LARGEST_REQUEST = 1024 * 1024

# Added up over the workers in /stats; anything else is a worker's own affair.
TOTALS = ("tasks", "fds", "rss", "in_flight")

# A worker that hands over to its successor while both are being asked looks as if neither were ready: look again. One
# more look is enough for one such pair; the rest is for a reload of many workers.
MORE_LOOKS = 3

# Probes, scrapes and a few operators.
CONNECTIONS = 256

# By which the product's admin app learns who acted (bff/gateway/audit.py).
ADDRESS = b"x-admin-address"

_READ = ("GET", "HEAD")


@asynccontextmanager
async def serving(fleet: Fleet, wanted: int, opened: socket.socket) -> AsyncIterator[None]:
    """Serve the admin port inside the block."""
    admin = Admin(fleet, wanted)
    listener = Listener(admin, opened, CONNECTIONS)
    task = asyncio.create_task(listener.serve())
    try:
        yield
    finally:
        listener.stop()
        await asyncio.wait({task}, timeout=1.0)  # an operator's slow download does not hold up the exit
        task.cancel()
        await admin.close()


class Admin:
    """An ASGI app: GET /livez, /readyz, /stats and /metrics of the whole fleet; every other request goes to a ready worker."""

    def __init__(self, fleet: Fleet, wanted: int) -> None:
        self._fleet = fleet
        self._wanted = wanted
        self._peers: dict[int, Peer] = {}
        self._scrapes = Scrapes()
        self._scraping = asyncio.Lock()
        self._own: dict[str, Callable[[Send], Awaitable[None]]] = {
            "/livez": self._livez, "/readyz": self._readyz, "/stats": self._stats, METRICS: self._metrics,
        }  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_near(scope):
            await answer_json(send, 421, {"error": "call it by its address, or by a name of your own network"})
            return
        own = self._own.get(scope["path"]) if scope["method"] in _READ else None
        if own is not None:
            await own(send)
        else:
            await self._forward(scope, receive, send)

    async def close(self) -> None:
        for peer in self._peers.values():
            await peer.close()
        self._peers.clear()

    async def _livez(self, send: Send) -> None:
        await answer_json(send, 200, {"state": "live"})

    async def _readyz(self, send: Send) -> None:
        """Ready when as many workers as wanted say so themselves. One that drains after its replacement is ready is
        named and does not count: a reload is not seen by the balancer."""
        known, states = await self._look()
        for _ in range(MORE_LOOKS):
            if states.count("ready") >= self._wanted or known == self._known():
                break
            known, states = await self._look()
        ready = not self._fleet.stopping and states.count("ready") >= self._wanted
        named = [{"pid": pid, "state": state} for (pid, _), state in zip(known, states, strict=True)]
        state = "stopping" if self._fleet.stopping else "ready" if ready else "not ready"
        await answer_json(send, 200 if ready else 503, {"state": state, "wanted": self._wanted, "workers": named})

    def _known(self) -> list[tuple[int, str]]:
        return [(worker.pid, worker.state) for worker in self._fleet.workers]

    async def _look(self) -> tuple[list[tuple[int, str]], list[str]]:
        """What the supervisor knew when it asked, and what each worker answered, in the same order."""
        known = self._known()
        return known, await asyncio.gather(*(self._state(worker) for worker in self._fleet.workers))

    async def _state(self, worker: Worker) -> str:
        if worker.state != "ready":
            return worker.state
        try:
            page = await self._peer(worker).get("/readyz")
        except PeerError:
            return "not answering"
        return "ready" if page.status == 200 else "not ready"

    async def _stats(self, send: Send) -> None:
        workers = list(self._fleet.workers)
        each = await asyncio.gather(*(self._figures(worker) for worker in workers))
        totals: Counter[str] = Counter()
        for figures in each:
            totals.update({name: figures[name] for name in TOTALS if name in figures})
        value = {"supervisor": process_stats(), "wanted": self._wanted, "workers": each, "totals": totals}
        await answer_json(send, 200, value)

    async def _metrics(self, send: Send) -> None:
        """Every worker's page, added up. One that does not answer in time is as it was when it last did."""
        async with self._scraping:  # two at once would mix their looks, and a count would go back
            workers = [worker for worker in self._fleet.workers if worker.state in ("ready", "draining")]
            pages = await asyncio.gather(*(self._page(worker) for worker in workers))
            said = {worker.private: page for worker, page in zip(workers, pages, strict=True) if page is not None}
            alive = [worker.private for worker in self._fleet.workers]
            page = self._scrapes.merged(said, alive)
        if page is not None:
            await answer(send, 200, [(b"content-type", METRICS_TYPE)], page)
        else:
            await answer_json(send, 404, {"error": "no worker has metrics"})

    async def _page(self, worker: Worker) -> bytes | None:
        try:
            page = await self._peer(worker).get(METRICS)
        except PeerError:
            return None
        return page.body if page.status == 200 else None

    async def _figures(self, worker: Worker) -> dict[str, Any]:
        """What the worker says about itself, or only what the supervisor knows; JSON from a process of ours."""
        known: dict[str, Any] = {"pid": worker.pid, "state": worker.state}
        if worker.state not in ("ready", "draining"):
            return known
        try:
            page = await self._peer(worker).get("/stats")
        except PeerError as failed:
            return {**known, "error": str(failed)}
        return {**orjson.loads(page.body), **known} if page.status == 200 else {**known, "error": page.status}

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        worker = next((worker for worker in self._fleet.workers if worker.state == "ready"), None)
        if worker is None:
            await answer_json(send, 503, {"error": "no worker is ready"})
            return
        body = await _whole_body(receive)
        if body is None:
            await answer_json(send, 413, {"error": f"a request here has at most {LARGEST_REQUEST} bytes"})
            return
        target = scope["raw_path"].decode("ascii") + ("?" + scope["query_string"].decode("latin-1")).rstrip("?")
        try:
            page: Page = await self._peer(worker).forward(scope["method"], target, _from(scope), body)
        except PeerError as failed:
            await answer_json(send, 502, {"error": f"worker {worker.pid}: {failed}"})
            return
        await answer(send, page.status, page.headers, page.body)

    def _peer(self, worker: Worker) -> Peer:
        """One peer a worker. Those of workers that are gone are dropped; they hold no connection."""
        alive = {worker.pid for worker in self._fleet.workers}
        for pid in self._peers.keys() - alive:
            del self._peers[pid]
        if worker.pid not in self._peers:
            self._peers[worker.pid] = Peer(worker.private)
        return self._peers[worker.pid]


def _from(scope: Scope) -> Headers:
    """The request's headers, and where it came from: a worker's private socket does not know."""
    kept = [(name, value) for name, value in scope["headers"] if name.lower() != ADDRESS]
    return [*kept, (ADDRESS, str(scope["client"][0]).encode())] if scope.get("client") else kept


async def _whole_body(receive: Receive) -> bytes | None:
    """The request's body; None when it is larger than anything sensible here, or broke off: half an act is none."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_REQUEST or message["type"] == "http.disconnect":
            return None
        if not message.get("more_body"):
            return bytes(body)
