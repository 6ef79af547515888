"""F48: our own event loop was blocked. What came meanwhile is read, and what did not come is not the backend's fault."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bff.deadline import Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendTimeout
from bff.upstream.call import Call
from bff.upstream.stats import InstanceStats
from bff.upstream.verdict import of_error
from bff.upstream.wire import Http1Wire, WireLimits
from tests.upstream.one_wire import OneWire

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def in_a_thread(answer: bytes) -> Iterator[str]:
    """A backend that no loop of ours can hold up: it sends `answer` to one request, then waits for the close."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(10_000)
                peer.sendall(answer)
                while peer.recv(10_000):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)
        assert not thread.is_alive()


async def blocked(wire: OneWire, deadline: float, block: float) -> asyncio.Task[bytes]:
    """Send, and once the request is written hold the loop up for `block` seconds."""

    async def sending() -> bytes:
        return (await wire.send(Call("users", "GET", "/", Deadline.after(deadline)))).body

    task = asyncio.create_task(sending())
    async with asyncio.timeout(2):
        while not wire.stats.written:  # noqa: ASYNC110 (the wire's counts have no event; a turn of the loop is no wait)
            await asyncio.sleep(0)
    time.sleep(block)  # noqa: ASYNC251 (this is the fault)
    await asyncio.wait([task], timeout=1)
    assert task.done()
    return task


def wire_to(address: str, limits: WireLimits | None = None) -> OneWire:
    stats = InstanceStats()
    return OneWire(Http1Wire("users", Endpoint.of(f"http://{address}"), stats, limits), stats)


async def test_f48_an_answer_that_came_while_the_loop_was_blocked_is_read() -> None:
    with in_a_thread(ANSWER) as address:
        wire = wire_to(address)
        task = await blocked(wire, deadline=0.1, block=0.3)
        assert task.result() == b"ok"
        await wire.close()


async def test_f48_an_answer_that_did_not_come_by_then_is_a_timeout_of_ours() -> None:
    with in_a_thread(b"") as address:
        wire = wire_to(address)
        error = (await blocked(wire, deadline=0.1, block=0.3)).exception()
        assert isinstance(error, BackendTimeout)
        assert error.ours
        assert of_error(error) == "neutral"
        await wire.close()


@pytest.mark.parametrize("block", [0.0, 0.02], ids=["free", "busy"])
async def test_a_timeout_that_rings_on_time_is_the_backends(block: float) -> None:
    with in_a_thread(ANSWER[:30]) as address:
        wire = wire_to(address)
        error = (await blocked(wire, deadline=0.1, block=block)).exception()
        assert isinstance(error, BackendTimeout)
        assert of_error(error) == "bad"
        await wire.close()


async def test_f48_a_first_byte_that_came_while_the_loop_was_blocked_leaves_the_rest_its_time() -> None:
    with in_a_thread(ANSWER[:30]) as address:
        wire = wire_to(address, WireLimits(first_byte_timeout=0.05))
        error = (await blocked(wire, deadline=0.4, block=0.2)).exception()
        assert isinstance(error, BackendTimeout)
        assert "not whole" in str(error)
        assert of_error(error) == "bad"  # the loop was free again long before that
        await wire.close()


async def test_f48_a_connection_that_could_not_be_made_while_the_loop_was_blocked_is_not_the_backends_fault() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]  # fill the backlog: from then on Linux drops every SYN
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        wire = wire_to(f"127.0.0.1:{listener.getsockname()[1]}")
        for block, verdict in ((0.0, "bad"), (0.5, "neutral")):
            task = asyncio.create_task(wire.send(Call("users", "GET", "/", Deadline.after(5))))
            while not wire.stats.connecting:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0)
            time.sleep(block)  # noqa: ASYNC251 (this is the fault)
            await asyncio.wait([task], timeout=1)
            error = task.exception()
            assert error is not None
            assert of_error(error) == verdict
        await wire.close()
        for filler in fillers:
            filler.close()
