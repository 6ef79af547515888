"""One worker process as the supervisor sees it, from its start until it is gone."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from bff.server.memory import environment
from bff.server.options import ServeOptions
from bff.server.orders import REFUSED, SHUTDOWN, Orders, Word

State = Literal["starting", "ready", "draining", "gone"]

# A worker ends its own waits; this much later it is taken to hang and killed. Covers its two FLUSHes and a busy machine.
KILL_MARGIN = 4.0

# Bytes of one word: a refusal with thousands of faults fits.
LONGEST_WORD = 1024 * 1024


class Worker:
    """A worker that was started. `changed` is called after every change of its state; the last state is `gone`."""

    def __init__(
        self,
        options: ServeOptions,
        process: asyncio.subprocess.Process,
        private: str,
        generation: int,
        changed: Callable[[], None],
    ) -> None:
        self._options = options
        self._process = process
        self._changed = changed
        self.pid = process.pid
        self.private = private
        self.generation = generation
        self.state: State = "starting"
        self.faults: tuple[str, ...] = ()
        self.ready_at: float | None = None
        self.leaving = False  # it was told to, or said so: its end is no crash
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(options.start_timeout, self._late)

    @classmethod
    async def start(
        cls, options: ServeOptions, listener: socket.socket, private: str, generation: int, changed: Callable[[], None]
    ) -> tuple["Worker", asyncio.Task[None]]:
        """A new worker on `listener`, and the task that follows it until it is gone."""
        ours, theirs = socket.socketpair()
        with theirs:
            orders = Orders(options, listener.fileno(), theirs.fileno(), private)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bff.server.worker", orders.write(),
                stdin=asyncio.subprocess.DEVNULL,  # in a group of its own, reading the terminal would stop it
                env=environment(os.environ),
                pass_fds=(listener.fileno(), theirs.fileno()),
                process_group=0,  # Ctrl-C and a closed terminal reach the supervisor alone, which tells the workers
            )  # fmt: skip
        worker = cls(options, process, private, generation, changed)
        return worker, asyncio.create_task(worker._follow(ours))

    @property
    def code(self) -> int | None:
        """The exit code once it is gone, negative for a signal."""
        return self._process.returncode

    @property
    def refused(self) -> bool:
        return self.code == REFUSED

    @property
    def end(self) -> str:
        """How it ended, in words."""
        if self.code is not None and self.code < 0:
            return f"was ended by {signal.Signals(-self.code).name}"
        return f"ended with code {self.code}"

    def drain(self) -> None:
        """Tell it to drain and exit; it is killed when it takes longer than its options allow."""
        if self.leaving or self.state == "gone":
            return
        self._signal(signal.SIGTERM)
        self._leaves()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def _follow(self, ours: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_WORD)
        with suppress(ConnectionError, ValueError):  # ValueError: longer than the limit; what matters is how it ends
            async for line in reader:
                self._hear(Word.read(line))
        await self._process.wait()
        writer.close()
        self._timer.cancel()
        self.state = "gone"
        self._changed()

    def _hear(self, word: Word) -> None:
        if word.state == "refused":
            self.faults = word.faults
        elif word.state == "draining":
            self._leaves()
        elif not self.leaving:
            self.state = "ready"
            self.ready_at = asyncio.get_running_loop().time()
            self._timer.cancel()
            self._changed()

    def _leaves(self) -> None:
        if self.leaving:
            return
        self.leaving = True
        self.state = "draining"
        self._timer.cancel()
        longest = self._options.drain + self._options.grace + SHUTDOWN + KILL_MARGIN
        self._timer = asyncio.get_running_loop().call_later(longest, self.kill)
        self._changed()

    def _late(self) -> None:
        self.faults = (f"worker {self.pid} was not ready within {self._options.start_timeout:g} s",)
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it went by itself a moment ago
            self._process.send_signal(number)
