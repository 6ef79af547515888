"""A real DNS server for tests: dnsmasq on a free port of 127.0.0.1, with the records that a test writes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.tools import need_debian

_CONFIG = """
no-resolv
no-hosts
no-daemon
user=
listen-address=127.0.0.1
bind-interfaces
port={port}
local=/internal/
local=/consul/
auth-ttl={ttl}
local-ttl={ttl}
{records}
"""


class Dnsmasq:
    """Serves `records` (lines of its configuration: host-record=..., srv-host=...) until it is told others."""

    def __init__(self, folder: Path) -> None:
        self._config = folder / "dnsmasq.conf"
        self._process: asyncio.subprocess.Process | None = None
        self.port = _free_port()
        self.address = f"127.0.0.1:{self.port}"

    async def serve(self, *records: str, ttl: int = 1) -> None:
        """Start anew with these; it answers when this returns."""
        await self.stop()
        self._config.write_text(_CONFIG.format(port=self.port, ttl=ttl, records="\n".join(records)))
        program = ("dnsmasq", f"--conf-file={self._config}", "--pid-file=")
        self._process = await asyncio.create_subprocess_exec(*program, stderr=asyncio.subprocess.DEVNULL)
        async with asyncio.timeout(10):
            while not await self._listens():
                if self._process.returncode is not None:
                    raise RuntimeError(f"dnsmasq refused {self._config.read_text()}")
                await asyncio.sleep(0.01)  # a process that starts tells nobody when it listens

    async def stop(self) -> None:
        """As if it had crashed: its port refuses from now on."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
            self._process = None

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True


@asynccontextmanager
async def dnsmasq(folder: Path) -> AsyncIterator[Dnsmasq]:
    if why := await asyncio.to_thread(need_debian, "dnsmasq"):
        raise RuntimeError(f"dnsmasq: {why}")
    server = Dnsmasq(folder)
    try:
        yield server
    finally:
        await server.stop()


def _free_port() -> int:
    """Of TCP and of UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return int(tcp.getsockname()[1])
