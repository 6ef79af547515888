"""The door, with a clock in hand."""

import asyncio
import time

import pytest
from starlette.types import Message, Receive, Scope, Send

from bff.server.door import MARGIN, Door
from bff.server.listener import HEADER_TIMEOUT


class App:
    """Answers when it is let."""

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.let = asyncio.Event()
        self.begun = asyncio.Event()
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.set()
        await self.let.wait()
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": b""})


async def nothing() -> Message:
    raise AssertionError("the app reads no body")


async def answered(door: Door) -> list[Message]:
    """What the door sends for one request."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await door({"type": "http"}, nothing, send)
    return sent


async def test_answers_keep_their_connection_until_the_door_closes() -> None:
    app = App(((b"Connection", b"keep-alive"), (b"x", b"y")))
    app.let.set()
    door = Door(app)
    assert (await answered(door))[0]["headers"] == app.headers
    door.close()
    assert (await answered(door))[0]["headers"] == [(b"x", b"y"), (b"connection", b"close")]


async def test_a_quiet_door_is_clear_after_the_drain() -> None:
    async with asyncio.timeout(HEADER_TIMEOUT / 2):
        await Door(App()).clear(0.01, 20.0)


async def test_the_door_waits_until_no_connection_is_at_rest() -> None:
    app = App()
    app.let.set()
    ahead = [0.0]
    door = Door(app, lambda: time.monotonic() + ahead[0])
    await answered(door)
    door.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await door.clear(0.01, 20.0)
    ahead[0] = HEADER_TIMEOUT + MARGIN
    async with asyncio.timeout(1.0):
        await door.clear(0.01, 20.0)


async def test_an_answer_begun_before_the_door_closed_counts_from_its_end() -> None:
    app = App()
    ahead = [0.0]
    door = Door(app, lambda: time.monotonic() + ahead[0])
    early = asyncio.create_task(answered(door))
    await app.begun.wait()
    door.close()
    app.let.set()
    await early
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await door.clear(0.01, 20.0)


async def test_the_door_never_waits_longer_than_told() -> None:
    app = App()
    app.let.set()
    door = Door(app)
    await answered(door)
    async with asyncio.timeout(HEADER_TIMEOUT / 2):
        await door.clear(0.01, 0.05)


async def test_what_is_cut_before_its_answer_gets_a_503() -> None:
    app = App()
    door = Door(app)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    running = asyncio.create_task(door({"type": "http"}, nothing, send))
    await app.begun.wait()
    door.close()
    door.cut()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sent[0]["status"] == 503
    assert (b"connection", b"close") in sent[0]["headers"]
