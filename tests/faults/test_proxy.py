"""The proxy spoils what it says it spoils: a fault that does not strike would make every test of a fault pass."""

import asyncio
import time

import pytest

from tests.faults.proxy import FaultProxy, Toxics


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def through(toxics: Toxics, sent: bytes = b"x" * 1000) -> tuple[list[bytes], float]:
    """What comes back of `sent`, piece by piece until the end of the connection, and how long it took."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        proxy.down = toxics
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        started = time.monotonic()
        writer.write(sent)
        writer.write_eof()
        pieces = []
        try:
            async with asyncio.timeout(2):
                while piece := await reader.read(65536):
                    pieces.append(piece)
        finally:
            writer.close()
            server.close()
        return pieces, time.monotonic() - started


async def test_what_is_not_spoiled_passes() -> None:
    pieces, _ = await through(Toxics())
    assert b"".join(pieces) == b"x" * 1000


async def test_latency_bandwidth_and_a_slow_close_take_their_time() -> None:
    # A little less is let pass: uvloop counts its timers in whole milliseconds.
    assert (await through(Toxics(latency=0.05)))[1] >= 0.045
    assert (await through(Toxics(latency=0.05, jitter=0.01)))[1] >= 0.035
    assert (await through(Toxics(bandwidth=10_000)))[1] >= 0.09
    assert (await through(Toxics(slow_close=0.05)))[1] >= 0.045


async def test_slices_come_one_by_one() -> None:
    pieces, _ = await through(Toxics(slice=100, bandwidth=100_000))
    assert len(pieces) >= 5


async def test_a_truncated_connection_ends_after_so_many_bytes() -> None:
    pieces, _ = await through(Toxics(truncate=300))
    assert b"".join(pieces) == b"x" * 300


async def test_a_reset_is_a_reset() -> None:
    with pytest.raises(ConnectionResetError):
        await through(Toxics(reset=0))


async def test_a_blackhole_gives_nothing_back_not_even_a_close() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        proxy.down = Toxics(blackhole=True)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        writer.write_eof()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read()
        writer.close()
    server.close()


async def test_when_it_does_not_listen_it_refuses() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        await proxy.stop_listening()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
