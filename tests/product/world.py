"""The whole product as its users meet it: the demo's backends on real sockets, and `bff serve` in its own processes."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from backends.ports import PORTS
from backends.running import Backends
from bff.identity.inside_keys import InsideKeys
from tests.redis_server import redis_server

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # whatever is waited for comes within this or never; the machine may be busy
OUT_OF_REACH = 1_000_000  # a rate limit that no test comes near
SCOPES = ("profile", "orders:read", "orders:write", "payments:read")


@dataclass
class World:
    """Running backends and a running gateway."""

    backends: Backends
    public: str
    admin: str
    supervisor: asyncio.subprocess.Process
    token: str
    http: httpx.AsyncClient
    lines: list[str] = field(default_factory=list)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """A call as user 7."""
        return await self.http.get(self.public + path, headers={"authorization": f"Bearer {self.token}", **headers})

    async def graphql(self, app: str, query: str) -> dict[str, Any]:
        answer = await self.http.post(
            f"{self.public}/{app}/graphql", json={"query": query}, headers={"authorization": f"Bearer {self.token}"}
        )
        found: dict[str, Any] = answer.json()
        return found

    async def stats(self) -> dict[str, Any]:
        """The admin face's figures, summed over the workers."""
        found: dict[str, Any] = (await self.http.get(f"{self.admin}/stats")).json()
        return found

    def reset(self) -> None:
        for name in PORTS:
            for instance in range(len(PORTS[name])):
                stub = self.backends.stub(name, instance)
                stub.fault = None
                stub.faults.clear()
                stub.reset_counters()

    def calls(self) -> dict[str, int]:
        """How often each service was called since `reset`."""
        return {
            name: sum(self.backends.stub(name, instance).counters.calls for instance in range(len(PORTS[name])))
            for name in PORTS
        }


@asynccontextmanager
async def world(folder: Path, *, limits: bool = False, **environment: str) -> AsyncIterator[World]:
    """Start it all on free ports, with the demo's rate limits or out of their reach; `environment` is `BFF_...` settings.

    Several workers share a Redis of their own.
    """
    keys = InsideKeys.at(folder / "inside.pem")
    (folder / "inside.json").write_bytes(keys.document)
    data = ROOT / ".cache" / "backends"
    async with AsyncExitStack() as stack:
        if environment.get("BFF_SERVER__WORKERS", "1") != "1":
            environment["BFF_STATE__URL"] = (await stack.enter_async_context(redis_server())).url
        starting = Backends.start(free_ports=True, data=data, inside=folder / "inside.json")
        backends = await stack.enter_async_context(starting)
        config = folder / "bff.toml"
        config.write_text(_config(backends, folder, limits=limits))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bff", "serve"),
            cwd=ROOT,
            env={**os.environ, "BFF_CONFIG": str(config), "BFF_SERVER__DRAIN": "0", **environment},
            stderr=asyncio.subprocess.STDOUT,
            stdout=asyncio.subprocess.PIPE,
        )
        lines: list[str] = []
        try:
            public, admin = await _ready(process, lines)
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
                token = backends.world.tokens.sign("7", SCOPES)
                running = World(backends, public, admin, process, token, http, lines)
                reading = asyncio.create_task(_read_on(process, lines))
                await running.get("/mobile/v1/account")  # the issuer's keys are fetched by now
                running.reset()
                yield running
                process.send_signal(signal.SIGTERM)
                await reading
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process, lines: list[str]) -> tuple[str, str]:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        async for raw in process.stdout:
            lines.append(raw.decode())
            if "ready on" in lines[-1]:
                public, admin = re.findall(r"http://[\d.]+:\d+", lines[-1])[:2]
                return public, admin
    raise AssertionError(f"it never got ready: {lines}")


async def _read_on(process: asyncio.subprocess.Process, lines: list[str]) -> None:
    assert process.stdout is not None
    async for raw in process.stdout:
        lines.append(raw.decode())  # noqa: PERF401 - others look at the list while it grows


def _config(backends: Backends, folder: Path, *, limits: bool) -> str:
    """The demo's own bff.toml, at these ports and with files of its own."""
    text = (ROOT / "bff.toml").read_text()
    text = re.sub(r"^(control|token_url) = .*\n", "", text, flags=re.MULTILINE)
    text = text.replace(".cache/", f"{folder}/")
    if not limits:
        text = re.sub(r"^limit = .*$", f"limit = {OUT_OF_REACH}", text, flags=re.MULTILINE)
    for name, ports in PORTS.items():
        for index, port in enumerate(ports):
            text = text.replace(f"127.0.0.1:{port}", backends.addresses(name)[index])
    return text + '\n[server]\npublic = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n'


def access_lines(lines: Mapping[int, str] | list[str]) -> list[dict[str, Any]]:
    """The access log among what the gateway printed."""
    return [json.loads(line) for line in lines if isinstance(line, str) and line.startswith("{")]
