"""A real `bff serve` over the rig's project, in processes of its own."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.rig.backends import PATIENCE, ROOT
from tests.faults.rig.mutations import VARIABLE
from tests.faults.rig.toml import Settings, merged, toml

PROJECT = "tests.faults.rig.project.composers"

# What the services of the rig are set to besides the defaults: reliability-security.md section 3.
RIG_SERVICE: Settings = {"timeout": 0.4}
_MUTATED = (
    "from dataclasses import replace\n"
    "from bff import settings\n"
    "from bff.commands.serve import options\n"
    "from bff.server.leaving import leave\n"
    "from bff.server.supervisor import run\n"
    "made = options(settings.load(), (), None)\n"
    "leave(run(replace(made, factory='tests.faults.rig.mutations:serve_project')))\n"
)
_BASE: Settings = {
    "composers": PROJECT,
    "server": {"public": "127.0.0.1:0", "admin": "127.0.0.1:0", "drain": 0},
}


class Gateway:
    """The running process tree and where it listens."""

    def __init__(self, process: asyncio.subprocess.Process, public: int, admin: int) -> None:
        self.process, self.port, self.admin = process, public, admin

    async def ask(self, path: str, **headers: str) -> httpx.Response:
        """One request to the public port."""
        return await _get(f"http://127.0.0.1:{self.port}{path}", headers)

    async def stats(self) -> dict[str, Any]:
        """/stats of the admin port: the figures of all workers."""
        found: dict[str, Any] = (await _get(f"http://127.0.0.1:{self.admin}/stats", {})).json()
        return found

    async def counted(self, family: str, **labels: str) -> float:
        """What the counters of a family say by now, over all workers: those with these labels, added up."""
        page = (await _get(f"http://127.0.0.1:{self.admin}/metrics", {})).text
        found = (one for metric in text_string_to_metric_families(page) for one in metric.samples)
        return sum(one.value for one in found if one.name == f"{family}_total" and labels.items() <= one.labels.items())

    def memory(self) -> int:
        """Bytes in memory, over the supervisor and its workers."""
        tree = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return sum(int(process.memory_info().rss) for process in tree)


async def _get(url: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        return await http.get(url, headers=headers)


@asynccontextmanager
async def gateway(
    settings: Settings, *, workers: int = 1, out: IO[bytes] | int | None = None, mutation: str = ""
) -> AsyncIterator[Gateway]:
    """Serve inside the block. `out` is where its access log goes; None: nowhere. `mutation` is one of mutations.py."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        config = Path(folder) / "bff.toml"
        config.write_text(toml(merged(_BASE, {"server": {"workers": workers}}, settings)))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *(("-c", _MUTATED) if mutation else ("-m", "bff", "serve"))),
            cwd=ROOT,
            env={**os.environ, "BFF_CONFIG": str(config), VARIABLE: mutation},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL if out is None else out,
            stderr=asyncio.subprocess.PIPE,
        )
        lines: list[str] = []
        reading: asyncio.Task[None] | None = None
        try:
            public, admin = await _ready(process, lines)
            reading = asyncio.create_task(_read_on(process, lines))
            yield Gateway(process, public, admin)
        finally:
            await _end(process)
            if reading is not None:
                await reading


async def _ready(process: asyncio.subprocess.Process, lines: list[str]) -> tuple[int, int]:
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        async for raw in process.stderr:
            lines.append(raw.decode())
            if "ready on" in lines[-1]:
                public, admin = re.findall(r"http://[\d.]+:(\d+)", lines[-1])[:2]
                return int(public), int(admin)
    raise RuntimeError(f"the gateway never got ready: {''.join(lines)}")


async def _read_on(process: asyncio.subprocess.Process, lines: list[str]) -> None:
    assert process.stderr is not None
    async for raw in process.stderr:
        lines.append(raw.decode())  # noqa: PERF401 - others look at the list while it grows


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
