"""The load generator from the harness's side."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from tests.faults.rig.backends import PATIENCE, ROOT
from tests.faults.rig.samples import Sample, Samples, Spec, Stream


class Offered:
    """Load that is under way; `samples` is there once the block has been left."""

    def __init__(self) -> None:
        self.samples = Samples((), ())


@asynccontextmanager
async def offered(port: int, *streams: Stream) -> AsyncIterator[Offered]:
    """Send these streams to a port of 127.0.0.1 inside the block; on leaving it wait for the answers under way."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.rig.load"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    load = Offered()
    try:
        process.stdin.write(msgspec.json.encode(Spec(port, list(streams))) + b"\n")
        await process.stdin.drain()
        yield load
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            found = msgspec.json.decode(await process.stdout.read(), type=list[Sample])
            await process.wait()
        load.samples = Samples([stream.name for stream in streams], found)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
