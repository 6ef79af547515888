"""Retries over real connections: what the backends see of calls whose connections break (F04, F05, F15)."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from bff.deadline import Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendUnreachable
from bff.testing import Fault, StubReply, StubRequest, StubService
from bff.upstream.balance import Balance
from bff.upstream.call import Call, Reply
from bff.upstream.instances import Instances
from bff.upstream.retry import Retry
from bff.upstream.stats import ServiceStats
from bff.upstream.wires import wires
from tests.upstream.calls import settings

# Enough for every call to be sent again, so that only the rules hold it back. No copy is ejected: all are to be met.
FREE = {"retry": {"budget": 1.0, "budget_floor": 100.0, "backoff": 0.0}, "eject": {"on": False}}


class Pipe:
    def __init__(self, addresses: list[str], **given: object) -> None:
        made = settings(instances=[f"http://{address}" for address in addresses], **{**FREE, **given})
        self.stats = ServiceStats()
        instances = Instances(wires("shop", made), self.stats)
        instances.update([Endpoint.of(url) for url in made.instances])
        self.layer = Retry("shop", Balance("shop", instances, made, self.stats), made, self.stats)

    async def send(self, method: str = "GET", *, idempotent: bool = False, seconds: float = 5.0) -> Reply:
        body = b"" if method == "GET" else b"{}"
        return await self.layer.send(
            Call("shop", method, "/products", Deadline.after(seconds), body=body, idempotent=idempotent)
        )


@asynccontextmanager
async def pipe(*addresses: str, **given: object) -> AsyncIterator[Pipe]:
    made = Pipe(list(addresses), **given)
    try:
        yield made
    finally:
        await made.layer.close()


def refusing() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


async def test_f05_a_thousand_writes_over_broken_connections_are_seen_a_thousand_times() -> None:
    async with StubService({"/products": 1}) as stub, pipe(stub.address) as shop:
        stub.fault = Fault("reset")
        for _ in range(1_000):
            with pytest.raises(BackendUnreachable):
                await shop.send("POST")
        assert (stub.counters.calls, shop.stats.retries) == (1_000, 0)


async def test_f05_a_read_over_a_broken_connection_is_sent_once_more_and_so_is_a_write_with_a_key() -> None:
    async with StubService({"/products": 1}) as stub, pipe(stub.address) as shop:
        stub.fault = Fault("reset")
        for sent, (method, idempotent) in enumerate([("GET", False), ("POST", True)], start=1):
            with pytest.raises(BackendUnreachable):
                await shop.send(method, idempotent=idempotent)
            assert stub.counters.calls == 2 * sent
        assert [record.headers.get("x-attempt") for record in stub.seen] == [None, "1", None, "1"]


@pytest.mark.parametrize("kind", ["reset_midway", "truncate"])
async def test_an_answer_that_broke_in_the_middle_is_not_asked_for_again(kind: str) -> None:
    async with StubService({"/products": 1}) as stub, pipe(stub.address) as shop:
        stub.fault = Fault("reset_midway" if kind == "reset_midway" else "truncate")
        with pytest.raises(BackendUnreachable):
            await shop.send()
        assert stub.counters.calls == 1


async def test_f04_a_copy_that_refuses_connections_costs_a_call_to_another_one() -> None:
    async with StubService({"/products": 1}) as stub, pipe(stub.address, refusing()) as shop:
        took: list[float] = []
        for _ in range(200):
            began = monotonic()
            assert (await shop.send()).status == 200
            took.append(monotonic() - began)
        assert stub.counters.calls == 200
        assert 0 < shop.stats.retries <= 200
        assert sorted(took)[197] < 0.030


async def test_f04_a_service_that_refuses_connections_is_tried_twice_at_most() -> None:
    async with pipe(refusing(), refusing(), refusing()) as shop:
        began = monotonic()
        with pytest.raises(BackendUnreachable):
            await shop.send()
        assert shop.stats.retries == 1
        assert monotonic() - began < 0.030


async def test_f15_a_backend_that_says_when_sees_no_call_before() -> None:
    seen: list[float] = []

    def answer(_: StubRequest) -> StubReply:
        seen.append(monotonic())
        return StubReply(status=429, headers=(("Retry-After", "1"),)) if len(seen) == 1 else StubReply.json(1)

    async with StubService(answer) as stub, pipe(stub.address) as shop:
        assert (await shop.send(seconds=2.5)).status == 200
        assert 1.0 <= seen[1] - seen[0] < 1.2
        seen.clear()
        assert (await shop.send(seconds=1.9)).status == 429, "a second is over half of what was left"
        assert len(seen) == 1
