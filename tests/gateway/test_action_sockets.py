"""An action behind the real server: a client that hangs up in the middle of a write loses nothing but its answer."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from starlette.types import Receive, Scope, Send

from bff.server.listener import Listener
from tests.gateway.action_kit import CALLER, Kit, gateway, order
from tests.gateway.test_action_endpoint import Gate, until

BODY = orjson.dumps(order())
HEAD = (
    "POST /shop/v1/orders HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n"
    f"Idempotency-Key: k-1\r\nAuthorization: {CALLER['authorization']}\r\nContent-Length: {len(BODY)}\r\n\r\n"
)


@asynccontextmanager
async def served(kit: Kit) -> AsyncIterator[tuple[str, int]]:
    opened = socket.create_server(("127.0.0.1", 0))
    opened.setblocking(False)
    address: tuple[str, int] = opened.getsockname()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await kit.stack(scope, receive, send)

    listener = Listener(app, opened, connections=64)
    serving = asyncio.create_task(listener.serve())
    try:
        yield address
    finally:
        listener.stop()
        await asyncio.wait([serving], timeout=5)


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_hangs_up_does_not_stop_its_order(how: str) -> None:
    async with gateway() as kit, served(kit) as (host, port):
        gate = Gate(kit, "POST charges")
        _, writer = await asyncio.open_connection(host, port)
        writer.write(HEAD.encode() + BODY)
        await until(gate.reached)
        if how == "close":
            writer.close()
        else:
            writer.transport.abort()
        gate.opened.set()
        await kit.writes.close(10.0)
        assert (len(kit.backends.charged), len(kit.backends.orders)) == (1, 1)
        assert not kit.backends.refunded

        reader, writer = await asyncio.open_connection(host, port)
        writer.write(HEAD.encode() + BODY)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 201")
        assert b"idempotency-replayed: true" in head
        assert len(kit.backends.orders) == 1
        writer.close()


async def test_fifty_connections_with_one_key_are_one_order() -> None:
    async with gateway() as kit, served(kit) as (host, port):

        async def ask() -> bytes:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(HEAD.encode() + BODY)
            head = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            return head

        heads = await asyncio.gather(*(ask() for _ in range(50)))
        first = [head for head in heads if b" 201" in head and b"idempotency-replayed" not in head]
        assert len(first) == 1
        assert all(b" 201" in head or (b" 409" in head and b"retry-after: 10" in head) for head in heads)
        assert (len(kit.backends.charged), len(kit.backends.orders)) == (1, 1)
