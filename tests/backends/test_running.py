"""Starting and stopping: in a program, and as a process of its own."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from backends.ports import CONTROL, PORTS
from backends.running import SERVICES, Backends

ROOT = Path(__file__).resolve().parents[2]


async def test_only_those_asked_for_run() -> None:
    async with Backends.start(only=["users", "restaurants"], free_ports=True) as backends:
        assert backends.names() == ["users", "restaurants"]
        assert len(backends.addresses("restaurants")) == 2
        with pytest.raises(KeyError):
            backends.address("orders")


def test_no_two_listen_on_one_port() -> None:
    ports = [port for name in SERVICES for port in PORTS[name]]
    everything = ports + [port + CONTROL for port in ports]
    assert len(everything) == len(set(everything)) == 20


async def run(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backends", *arguments, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
async def test_the_process_says_when_it_is_ready_and_stops_on_sigterm() -> None:
    # an address of its own among the loopback ones: the demo may be running on 127.0.0.1
    process = await run("--host", "127.0.9.1", "--only", "users,delivery")
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"backends ready\n"
        process.send_signal(signal.SIGTERM)
        out, errors = await process.communicate()
    assert (process.returncode, out, errors) == (0, b"", b"")


@pytest.mark.slow
async def test_a_service_that_does_not_exist_is_refused_by_name() -> None:
    process = await run("--only", "users,stables")
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"no service stables" in errors
