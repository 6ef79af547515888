"""A body that does not come, or breaks off: an answer in time, and never a 500 (S084, S090)."""

import asyncio

import pytest
from starlette.types import Message

from bff.faces.problems import Problem
from bff.gateway import body
from bff.gateway.request import Request
from tests.gateway.kit import Peer, gateway


async def test_a_body_that_never_comes_is_a_408_that_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "BODY_TIMEOUT", 0.02)

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Problem) as told:
        await body.read_body(Request({"type": "http", "headers": []}, never, 0.0), 100)
    assert told.value.kind == "request-timeout"
    assert (b"connection", b"close") in told.value.headers


async def test_a_body_that_breaks_off_is_a_400_and_calls_nobody() -> None:
    """Granian tells a bad chunk as it tells a client that left; unanswered it would be a 500 of Granian's own."""
    async with gateway() as kit:
        peer = Peer(parts=[])
        peer.gone.set()
        reply = await kit.ask("/api/login", "POST", peer=peer)
        assert (reply.status, reply.problem, reply.headers["connection"]) == (400, "bad-request", "close")
        assert (kit.line["status"], kit.stub.counters.calls) == (400, 0)
