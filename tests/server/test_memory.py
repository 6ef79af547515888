"""What a worker's allocators are told, and what its listener is."""

import socket
from pathlib import Path

import pytest

from bff.server.memory import environment
from bff.server.sockets import open_listener
from tests.server.running_server import options, serving


def test_what_somebody_has_set_stays() -> None:
    assert environment({"MALLOC_TRIM_THRESHOLD_": "7", "HOME": "/x"})["MALLOC_TRIM_THRESHOLD_"] == "7"
    assert environment({"HOME": "/x"})["HOME"] == "/x"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc is Linux's")
async def test_a_worker_gives_back_what_long_answers_took() -> None:
    async with serving(options()) as server:
        (worker,) = await server.states()
        told = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")  # noqa: ASYNC240 - no file: the kernel answers at once
    assert b"MALLOC_MMAP_THRESHOLD_=262144" in told
    assert any(one.startswith(b"_RJEM_MALLOC_CONF=dirty_decay_ms:500") for one in told)


def test_what_is_written_goes_out_at_once() -> None:
    opened = open_listener("127.0.0.1", 0)
    try:
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        opened.close()
