"""The access log: gathered, handed over together, and bounded."""

import asyncio
import threading

from bff.observe.logs import FLUSH_AFTER, MAX_WAITING, AccessLog
from bff.observe.sink import BackgroundWriter


async def test_lines_are_handed_over_together_a_moment_later() -> None:
    taken: asyncio.Queue[bytes] = asyncio.Queue()
    log = AccessLog(taken.put_nowait)
    log.line('{"a":1}')
    log.line('{"b":"ü"}')
    assert taken.empty()
    async with asyncio.timeout(50 * FLUSH_AFTER):
        assert await taken.get() == '{"a":1}\n{"b":"ü"}\n'.encode()
    log.line("{}")
    async with asyncio.timeout(50 * FLUSH_AFTER):
        assert await taken.get() == b"{}\n"


async def test_more_lines_than_are_gathered_are_dropped_and_counted() -> None:
    taken: list[bytes] = []
    log = AccessLog(taken.append)
    for _ in range(MAX_WAITING + 7):
        log.line("{}")
    log.flush()
    assert (taken[0].count(b"\n"), log.dropped) == (MAX_WAITING, 7)


async def test_the_last_lines_are_written_before_the_end_and_a_sink_that_hangs_is_waited_for_only_a_moment() -> None:
    stuck = threading.Event()
    written: list[bytes] = []

    def write(_: int, data: bytes) -> int:
        if data == b"hang\n":
            stuck.wait()
        written.append(data)
        return len(data)

    log = AccessLog.to(BackgroundWriter(write=write))
    log.line("last")
    await log.close()
    assert written == [b"last\n"]
    log.line("hang")
    async with asyncio.timeout(10):
        await log.close()
    assert written == [b"last\n"]
    stuck.set()


async def test_what_the_sink_lost_counts_as_dropped() -> None:
    def full(_: int, data: bytes) -> int:
        raise OSError("disk full")

    log = AccessLog.to(BackgroundWriter(write=full))
    log.line("a")
    log.line("b")
    await log.close()
    assert log.dropped == 2


def test_without_a_sink_it_is_off() -> None:
    assert not AccessLog(None).on
