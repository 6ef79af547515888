"""How fast a body must come; that nothing packed is read (S090, S104). Over sockets: tests/security."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Message

from bff.faces.problems import Problem
from bff.gateway import body
from bff.gateway.body import BODY_GRACE, BODY_RATE, BODY_TIMEOUT, read_body
from bff.gateway.request import Request
from tests.gateway.kit import Peer, scope_of

PLENTY = 10_000_000


class Drip:
    """A body that comes in parts, each so many seconds after the one before; the loop's clock is turned, not waited for."""

    def __init__(self, parts: Sequence[tuple[float, int]]) -> None:
        self._parts = list(parts)

    async def receive(self) -> Message:
        if not self._parts:
            await asyncio.Event().wait()
        after, size = self._parts.pop(0)
        await asyncio.sleep(after)
        return {"type": "http.request", "body": b"a" * size, "more_body": True}


async def read_for(parts: Sequence[tuple[float, int]], monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds, on a clock that runs a hundred times as fast, until the body was given up."""
    fast = 100
    for name in ("BODY_TIMEOUT", "BODY_GRACE"):
        monkeypatch.setattr(body, name, getattr(body, name) / fast)
    monkeypatch.setattr(body, "BODY_RATE", BODY_RATE * fast)
    drip = Drip([(after / fast, size) for after, size in parts])
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(Problem) as told:
        await read_body(Request(scope_of("/x", "POST", []), drip.receive, 0.0), PLENTY)
    assert told.value.kind == "request-timeout"
    assert (b"connection", b"close") in told.value.headers
    return (loop.time() - began) * fast


@pytest.mark.parametrize(
    ("parts", "least", "most"),
    [
        ([], BODY_GRACE, 9.0),
        ([(1.0, 1)] * 20, BODY_GRACE, 9.0),
        ([(2.0, 2 * BODY_RATE)] * 2, BODY_GRACE + 4.0, 13.0),
        ([(1.0, 1_000_000)] * 5, BODY_TIMEOUT, 19.0),
    ],
    ids=["S090 nothing", "S090 a byte a second", "fast enough for a while", "never longer than for a whole one"],
)
async def test_a_body_must_begin_soon_and_come_at_a_rate(
    parts: list[tuple[float, int]], least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert least * 0.99 <= await read_for(parts, monkeypatch) < most


@pytest.mark.parametrize(("coding", "taken"), [(None, True), ("identity", True), ("gzip", False), ("Identity, gzip", False)])
async def test_s104_only_a_body_that_is_not_packed_is_read(coding: str | None, taken: bool) -> None:
    headers = [] if coding is None else [("content-encoding", coding)]
    peer = Peer(parts=[b"{}"])
    request = Request(scope_of("/x", "POST", headers), peer.receive, 0.0)
    if taken:
        assert await read_body(request, 100) == b"{}"
    else:
        with pytest.raises(Problem, match="unsupported-media-type"):
            await read_body(request, 100)
        assert peer.read == 0


async def test_a_body_is_read_once_and_kept_for_whoever_asks_again() -> None:
    request = Request(scope_of("/x", "POST", []), Peer(parts=[b"ab", b"cd"]).receive, 0.0)
    assert await read_body(request, 4) == b"abcd"
    assert await read_body(request, 4) is request.body
    with pytest.raises(Problem, match="too-large"):
        await read_body(request, 3)
