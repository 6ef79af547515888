"""The stub process from the harness's side: start it, tell it how to behave, ask what it saw."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from tests.faults.rig.behaviour import Away, Behaviour, Command, Count, Counts, Log, Ports, Reset, Seen, Set

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0  # whatever is waited for comes within this or never; the machine may be busy

T = TypeVar("T")


class Backends:
    """A running stub process."""

    def __init__(self, ports: Ports, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ports = ports.services
        self._reader, self._writer = reader, writer

    def urls(self, service: str) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports[service]]

    async def fault(self, service: str, fault: Behaviour | None, instance: int | None = None) -> None:
        """Behave so from now on; None: be well."""
        await self._tell(Set(service, fault, None, instance), None)

    async def well(self, service: str, well: Behaviour, instance: int | None = None) -> None:
        """How it answers while there is no fault."""
        await self._tell(Set(service, None, well, instance), None)

    async def away(self, service: str, away: bool = True, instance: int | None = None) -> None:
        await self._tell(Away(service, away, instance), None)

    async def reset(self) -> None:
        """All well and all counts at zero."""
        await self._tell(Reset(), None)

    async def counts(self) -> dict[str, list[Count]]:
        return await self._tell(Counts(), dict[str, list[Count]])

    async def count(self, service: str) -> Count:
        """One service's figures, over its copies; the largest in flight is of one copy."""
        copies = (await self.counts())[service]
        whole = Count(*(sum(getattr(copy, name) for copy in copies) for name in Count.__struct_fields__))
        whole.max_in_flight = max(copy.max_in_flight for copy in copies)
        return whole

    async def log(self, service: str) -> list[list[Seen]]:
        """Every request, a list a copy, in the order of arrival."""
        return await self._tell(Log(service), list[list[Seen]])

    async def arrivals(self, service: str) -> list[float]:
        """When its requests came, over all copies."""
        return sorted(seen.arrived for copy in await self.log(service) for seen in copy)

    async def _tell(self, command: Command, kind: type[T] | None) -> T:
        self._writer.write(msgspec.json.encode(command) + b"\n")
        line = await self._reader.readuntil(b"\n")
        return msgspec.json.decode(line, type=kind)


@asynccontextmanager
async def backends(copies: Mapping[str, int]) -> AsyncIterator[Backends]:
    """A stub process with so many copies of each service, inside the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.rig.stub", *(f"{name}={count}" for name, count in copies.items())),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            ports = msgspec.json.decode(await process.stdout.readline(), type=Ports)
        # A log of an hour is tens of megabytes in one line.
        reader, writer = await asyncio.open_connection("127.0.0.1", ports.control, limit=1 << 30)
        try:
            yield Backends(ports, reader, writer)
        finally:
            writer.close()
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
