"""A served process tree: started on a core, ready when its port answers, measured by the CPU time it has used."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil

from benchmarks.places import WORK, pinned

_READY_WITHIN = 30.0  # strawberry and granian import slowly while another job has the core


class NotRunnableError(Exception):
    """The process could not be brought up; the text is what a row of the table says."""


class Served:
    """A command that listens on `port`; a context manager that ends the whole tree.

    Raises NotRunnableError when the port does not open in time; the process's own words are in .cache/bench/NAME.log.
    """

    def __init__(
        self, name: str, command: list[str], port: int, *, core: int, cwd: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = command
        self.port = port
        self.core = core
        self.cwd = cwd
        self.env = {**os.environ, **(env or {})}
        self.log = WORK / f"{name}.log"
        self._process: psutil.Popen | None = None

    def __enter__(self) -> "Served":
        if _listening(self.port):
            raise NotRunnableError(f"port {self.port} is taken by another process")
        WORK.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("wb") as log:
                self._process = psutil.Popen(
                    pinned(self.core, self.command),
                    cwd=self.cwd,
                    env=self.env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        except OSError as error:
            raise NotRunnableError(str(error)) from error
        try:
            self._await_port()
        except NotRunnableError:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def cpu_seconds(self) -> float:
        """User and system time of the tree so far, children that have ended included."""
        assert self._process is not None
        total = 0.0
        for process in self._tree():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue  # it ended between the listing and now; its parent's child times have it
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def died(self) -> str | None:
        """Its last words if it has ended by itself, which a supervisor whose worker cannot start does after a moment."""
        if self._process is None:
            return None
        try:
            self._process.wait(timeout=3)
        except psutil.TimeoutExpired:
            return None
        return self._last_words()

    def _tree(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _await_port(self) -> None:
        assert self._process is not None
        until = time.monotonic() + _READY_WITHIN
        while not _listening(self.port):
            if self._process.poll() is not None:
                raise NotRunnableError(f"it ended with {self._process.returncode}: {self._last_words()}")
            if time.monotonic() > until:
                raise NotRunnableError(f"port {self.port} did not open in {_READY_WITHIN:.0f} s: {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        errors = [line for line in lines if re.match(r"[\w.]*(Error|Refusal): ", line)]  # a traceback's last line
        return (errors or lines)[-1].strip()[:200]

    def _end(self) -> None:
        tree = self._tree()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        _, alive = psutil.wait_procs(tree, timeout=5)
        for process in alive:  # what outlives its parent's end would hold the port for the next run
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(alive, timeout=5)
        self._process = None


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
