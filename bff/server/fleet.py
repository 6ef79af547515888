"""The workers of one supervisor: always as many as wanted, whoever stops, crashes or is replaced.

One loop looks at the states there are and does what is missing; what happened to bring them about does not matter. So
a crash during a reload, or a worker told to stop by hand during a start, is no case of its own.
"""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bff.server.backoff import Backoff
from bff.server.options import ServeOptions
from bff.server.process import Worker


class StartError(Exception):
    """No worker ever became ready, so trying again would only hide the reason."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        super().__init__(worker.end)


class Fleet:
    """Workers on one listening socket. `say` gets one plain line for each thing an operator should know."""

    def __init__(self, options: ServeOptions, listener: socket.socket, home: Path, say: Callable[[str], None]) -> None:
        self._options = options
        self._listener = listener
        self._home = home
        self._say = say
        self._changed = asyncio.Event()
        self._backoff = Backoff()
        self._started = 0
        self._generation = 0
        self._following: set[asyncio.Task[None]] = set()
        self.workers: list[Worker] = []
        self.complete = asyncio.Event()  # set once the wanted number of workers was ready for the first time
        self.stopping = False

    async def keep(self) -> None:
        """Keep the wanted number of workers running until `stop_keeping`; StartError when it cannot even begin."""
        while not self.stopping:
            self._changed.clear()
            self._bury()
            wait = await self._settle()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def stop_keeping(self) -> None:
        self.stopping = True
        self._changed.set()

    def renew(self) -> None:
        """Replace every worker, one at a time: the new one is ready before the old one is told to drain."""
        self._generation += 1
        self._changed.set()

    async def leave(self) -> bool:
        """Drain every worker and wait until all are gone; whether each of them answered all it had."""
        self._listener.close()  # ours only: the port closes with the last worker, and no connection waits in vain
        for worker in self.workers:
            worker.drain()
        while any(worker.state != "gone" for worker in self.workers):
            self._changed.clear()
            await self._changed.wait()
        # SIGTERM ends only a worker that was still starting, and that one had nothing to answer.
        return all(worker.code in (0, -signal.SIGTERM) for worker in self.workers)

    def kill(self) -> None:
        for worker in self.workers:
            worker.kill()

    def _bury(self) -> None:
        """Take out the workers that are gone, and draw the conclusion from those that went unasked."""
        gone = [worker for worker in self.workers if worker.state == "gone"]
        self.workers = [worker for worker in self.workers if worker.state != "gone"]
        for worker in gone:
            if worker.leaving:
                continue
            if not self.complete.is_set():
                raise StartError(worker)
            self._crashed(worker)

    def _crashed(self, worker: Worker) -> None:
        for fault in worker.faults:
            self._say(fault)
        older = [one for one in self.workers if one.generation < worker.generation and one.state == "ready"]
        if worker.ready_at is None and older and worker.generation == self._generation:
            self._say(f"reload given up, the old workers stay: worker {worker.pid} {worker.end} before it was ready")
            for one in self.workers:
                one.generation = self._generation
            return
        now = asyncio.get_running_loop().time()
        self._backoff.crashed(0.0 if worker.ready_at is None else now - worker.ready_at)
        self._say(f"worker {worker.pid} {worker.end}; another starts in {self._backoff.wait():.1f} s")

    async def _settle(self) -> float | None:
        """Do what is missing now; the seconds after which to look again, None for not before something changes."""
        live = [worker for worker in self.workers if worker.state in ("starting", "ready")]
        fresh = [worker for worker in live if worker.generation == self._generation]
        old = [worker for worker in live if worker.generation != self._generation]
        ready = sum(worker.state == "ready" for worker in fresh)
        if ready >= self._options.workers and not self.complete.is_set():
            self.complete.set()
        for worker in old[: max(0, ready + len(old) - self._options.workers)]:
            worker.drain()
        missing = self._options.workers - len(fresh)
        if old:  # a reload: one starts at a time, and only while no more are on their way out than there should be
            draining = sum(worker.state == "draining" for worker in self.workers)
            missing = min(missing, 1 - (len(fresh) - ready)) if draining < self._options.workers else 0
        if missing <= 0:
            return None
        if wait := self._backoff.wait():
            return wait
        for _ in range(missing):
            await self._start()
        return None

    async def _start(self) -> None:
        self._started += 1
        private = str(self._home / f"{self._started}.sock")
        worker, following = await Worker.start(self._options, self._listener, private, self._generation, self._changed.set)
        self.workers.append(worker)
        self._following.add(following)
        following.add_done_callback(self._following.discard)
