"""The writer behind the access log: in order and whole while the sink takes it, dropped and counted while it does not (F49)."""

import errno
import os
import threading
from time import monotonic

import pytest

from bff.observe.sink import AT_ONCE, MOST_WAITING, BackgroundWriter

PATIENCE = 10.0


class Sink:
    """Takes what is written once it is let; fails, or takes only a part, when told to."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.opened = threading.Event()
        self.entered = threading.Event()
        self.opened.set()
        self.next: list[OSError | int] = []

    def write(self, descriptor: int, data: bytes) -> int:
        self.entered.set()
        assert self.opened.wait(PATIENCE)
        if self.next:
            found = self.next.pop(0)
            if isinstance(found, OSError):
                raise found
            data = data[:found]
        self.pieces.append(data)
        return len(data)

    @property
    def written(self) -> bytes:
        return b"".join(self.pieces)


def lines(count: int, size: int = 100) -> bytes:
    return b"".join(f"{number:0{size - 1}d}\n".encode() for number in range(count))


def test_lines_are_written_in_their_order_and_in_whole_pieces_that_a_pipe_takes_at_once() -> None:
    sink = Sink()
    writer = BackgroundWriter(write=sink.write)
    writer.offer(lines(200))
    writer.offer(b"last\n")
    assert writer.drain(PATIENCE)
    assert sink.written == lines(200) + b"last\n"
    assert all(piece.endswith(b"\n") and len(piece) <= AT_ONCE for piece in sink.pieces)
    assert len(sink.pieces) < 10
    assert writer.dropped == 0


def test_a_line_longer_than_a_pipe_takes_at_once_stands_alone() -> None:
    sink = Sink()
    writer = BackgroundWriter(write=sink.write)
    writer.offer(b"a\n" + b"b" * 9_000 + b"\nc\n")
    assert writer.drain(PATIENCE)
    assert sink.pieces == [b"a\n", b"b" * 9_000 + b"\n", b"c\n"]


def test_a_sink_that_hangs_costs_the_writer_nothing_and_what_does_not_fit_is_counted() -> None:
    sink = Sink()
    sink.opened.clear()
    writer = BackgroundWriter(write=sink.write)
    block = lines(1_000)
    began = monotonic()
    for _ in range(2 * MOST_WAITING // len(block)):
        writer.offer(block)
    assert monotonic() - began < 1.0  # 160 blocks; one that waited would wait for ever
    assert not writer.drain(0.01)
    kept = MOST_WAITING // len(block) * 1_000
    assert writer.dropped == 2 * MOST_WAITING // len(block) * 1_000 - kept
    sink.opened.set()
    assert writer.drain(PATIENCE)
    assert sink.written.count(b"\n") == kept


def test_a_full_disk_loses_what_it_refuses_and_counts_it() -> None:
    sink = Sink()
    sink.next = [OSError(errno.ENOSPC, "no space"), 1 << 20]
    writer = BackgroundWriter(write=sink.write)
    writer.offer(b"lost\n")
    writer.offer(b"kept\n")
    assert writer.drain(PATIENCE)
    assert (sink.written, writer.dropped) == (b"kept\n", 1)


def test_a_line_that_was_cut_is_ended_so_that_the_next_one_is_whole() -> None:
    sink = Sink()
    sink.next = [3, OSError(errno.ENOSPC, "no space")]
    writer = BackgroundWriter(write=sink.write)
    writer.offer(b"abcdef\n")
    writer.offer(b"next\n")
    assert writer.drain(PATIENCE)
    assert sink.written == b"abc\nnext\n"


def test_a_sink_that_takes_a_part_gets_the_rest() -> None:
    sink = Sink()
    sink.next = [3, 2]
    writer = BackgroundWriter(write=sink.write)
    writer.offer(b"abcdef\n")
    assert writer.drain(PATIENCE)
    assert sink.pieces == [b"abc", b"de", b"f\n"]


@pytest.mark.parametrize("blocking", [True, False])
def test_a_real_pipe_that_nobody_reads_holds_up_the_writer_and_nobody_else(*, blocking: bool) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, blocking)
    writer = BackgroundWriter(writing)
    writer.offer(lines(10_000))  # 1 MB; a pipe holds 64 KB
    assert not writer.drain(0.05)
    taken = b""
    while len(taken) < 1_000_000:
        taken += os.read(reading, 1 << 16)
    assert writer.drain(PATIENCE)
    assert taken == lines(10_000)
    os.close(reading)
    os.close(writing)
