"""Nothing runs on after the answer: clients that go, deadlines that pass, and what is left afterwards (F26, F27)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from backends.ports import PORTS
from bff.testing import Fault
from tests.product.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENTS = 20  # each home has at least five calls in flight: 100 in all
STORM, AT_ONCE = 10_000, 50


async def until(figures: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    """Look again until it holds: the gateway is another process, which tells nobody when it comes to rest."""
    end = time.monotonic() + seconds
    while not await figures():
        assert time.monotonic() < end, "it never came to rest"
        await asyncio.sleep(0.05)


async def at_rest(product: World) -> dict[str, Any]:
    """The figures once no connection to a backend is open: idle ones are closed after four seconds."""

    async def closed() -> bool:
        services = (await product.stats())["workers"][0]["services"]
        instances = [one for service in services.values() for one in service["instances"].values()]
        return all(one["opened"] == one["closed"] for one in instances)

    await until(closed)
    totals: dict[str, Any] = (await product.stats())["totals"]
    return totals


async def test_a_client_that_goes_ends_its_calls_at_the_backends_and_leaves_nothing(product: World) -> None:
    await product.get("/mobile/v1/home")
    before = await at_rest(product)
    stubs = [product.backends.stub(name, i) for name, ports in PORTS.items() for i in range(len(ports)) if name != "delivery"]
    product.reset()
    for stub in stubs:
        stub.fault = Fault("hang")
    host, port = product.public.removeprefix("http://").split(":")
    request = f"GET /mobile/v1/home HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {product.token}\r\n\r\n".encode()
    writers = []
    for _ in range(CLIENTS):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        writers.append(writer)

    def in_flight() -> int:
        return sum(stub.counters.calls for stub in stubs)

    async def reached() -> bool:
        return in_flight() >= 5 * CLIENTS

    await until(reached)
    went = time.monotonic()
    for writer in writers:
        writer.transport.abort()

    async def all_ended() -> bool:
        return all(stub.counters.cancels == stub.counters.calls for stub in stubs)

    await until(all_ended)
    late = [(r.ended or 0) - went for stub in stubs for r in stub.seen if (r.ended or 0) - went > 0.1]
    assert len(late) <= 0.01 * in_flight(), late
    product.reset()
    await product.get("/mobile/v1/home")
    after = await at_rest(product)
    assert after["in_flight"] == before["in_flight"]
    assert after["tasks"] <= before["tasks"]
    assert after["fds"] <= before["fds"]


@pytest.mark.slow
async def test_after_a_storm_of_deadlines_every_call_is_well(product: World) -> None:
    """10,000 screens under budgets of 1 to 60 ms over backends of 0 to 30 ms: most are cut at some moment or other."""
    for name in ("restaurants", "reviews"):
        for instance in range(len(PORTS[name])):
            product.backends.stub(name, instance).fault = Fault("latency", ms=15)
    chance = random.Random(7)
    host, port = product.public.removeprefix("http://").split(":")

    async def one_client(calls: int) -> int:
        reader, writer = await asyncio.open_connection(host, int(port))
        answered = 0
        for _ in range(calls):
            budget = chance.randint(1, 60)
            writer.write(
                f"GET /mobile/v1/search?limit=3 HTTP/1.1\r\nHost: localhost\r\nRequest-Timeout: {budget}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            answered += 1
        writer.close()
        return answered

    assert sum(await asyncio.gather(*(one_client(STORM // AT_ONCE) for _ in range(AT_ONCE)))) == STORM
    product.reset()
    for _ in range(20):
        answer = await product.get("/mobile/v1/search?limit=3")
        assert answer.json()["meta"]["complete"]

    async def quiet() -> bool:
        services = (await product.stats())["workers"][0]["services"]
        return all(service["in_flight"] == 0 for service in services.values())

    await until(quiet)
