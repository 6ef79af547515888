"""The admin listener's /metrics, as numbers; and a real Prometheus that scrapes it by the shipped configuration."""

import asyncio
import json
import os
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.product.world import PATIENCE, ROOT, World

SHIPPED = ROOT / "deploy" / "prometheus"


async def samples(product: World) -> list[Sample]:
    answer = await product.http.get(f"{product.admin}/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return [sample for metric in text_string_to_metric_families(answer.text) for sample in metric.samples]


async def total(product: World, name: str, **labels: str) -> float:
    """The sum of a metric's series that have these labels."""
    return sum(s.value for s in await samples(product) if s.name == name and labels.items() <= s.labels.items())


class Prometheus:
    """A running one."""

    def __init__(self, address: str, http: httpx.AsyncClient) -> None:
        self._address = address
        self._http = http

    async def ask(self, what: str, **parameters: str) -> Any:  # Any: JSON of the API
        return (await self._http.get(f"{self._address}/api/v1/{what}", params=parameters)).json()["data"]

    async def until(self, what: str, holds: Callable[[Any], bool], **parameters: str) -> Any:
        """What it answers once that holds; asked again and again, for it has no other way to tell."""
        found: Any = None
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        found = await self.ask(what, **parameters)
                    except (httpx.TransportError, json.JSONDecodeError):
                        found = None  # not up yet
                    if found is not None and holds(found):
                        return found
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{what} never was as expected: {found}") from None


def tools() -> dict[str, str]:
    """An environment that has prometheus and promtool, fetched from Debian when the machine has not."""
    done = subprocess.run([str(ROOT / ".ci" / "debian-tools"), "prometheus"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PATH": os.pathsep.join(filter(None, [os.environ["PATH"], done.stdout.strip()]))}


@asynccontextmanager
async def prometheus(product: World, folder: Path) -> AsyncIterator[Prometheus]:
    """The shipped configuration but for its target, and five times as quick."""
    text = (SHIPPED / "prometheus.yml").read_text()
    text = text.replace("bff:8001", product.admin.removeprefix("http://")).replace("rules.yml", str(SHIPPED / "rules.yml"))
    text = re.sub(r"(scrape_interval|evaluation_interval): 5s", r"\1: 1s", text).replace(
        "scrape_timeout: 3s", "scrape_timeout: 1s"
    )
    config = folder / "prometheus.yml"
    config.write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec("prometheus", *command, stdout=log, stderr=log, env=tools())
    try:
        yield Prometheus(f"http://{address}", product.http)
    finally:
        process.kill()
        await process.wait()
