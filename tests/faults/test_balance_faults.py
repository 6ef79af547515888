"""F18, F19 and F20 over real sockets: three copies of a service, one or two of them ill, under calls that do not wait."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any

from bff.deadline import Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendError
from bff.service_settings import ServiceSettings
from bff.testing.stub import Fault, StubService
from bff.upstream.balance import Balance
from bff.upstream.call import Call
from bff.upstream.instances import Instances
from bff.upstream.stats import ServiceStats
from bff.upstream.wires import wires

RATE = 200.0


class Copies:
    """Three stubs and a balance over them."""

    def __init__(self, stubs: list[StubService], **settings: Any) -> None:
        self.stubs, self.stats = stubs, ServiceStats()
        urls = [f"http://{stub.address}" for stub in stubs]
        made = ServiceSettings.model_validate({"instances": urls, **settings})
        instances = Instances(wires("users", made), self.stats)
        instances.update([Endpoint.of(url) for url in urls])
        self.balance = Balance("users", instances, made, self.stats, chance=Random(1))

    async def traffic(self, seconds: float) -> Counter[str]:
        """Calls at their moments whether earlier ones have ended or not; who answered how often, and errors."""
        met: Counter[str] = Counter()

        async def one() -> None:
            try:
                reply = await self.balance.send(Call("users", "GET", "/", Deadline.after(1)))
                met[reply.instance] += 1
                met["errors"] += reply.status >= 500
            except BackendError:
                met["errors"] += 1

        loop, count = asyncio.get_running_loop(), int(seconds * RATE)
        start = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(max(0.0, start + number / RATE - loop.time()))
                group.create_task(one())
        return met


@asynccontextmanager
async def three(**settings: Any) -> AsyncIterator[Copies]:
    async with AsyncExitStack() as stack:
        stubs = [await stack.enter_async_context(StubService({"/": 1, "/health": 1})) for _ in range(3)]
        for stub in stubs:
            stub.faults["/"] = Fault("latency", ms=5)
        copies = Copies(stubs, **settings)
        yield copies
        await copies.balance.close()


async def test_f18_a_copy_ten_times_as_slow_gets_five_in_a_hundred_at_most() -> None:
    async with three(balance={"policy": "peak_ewma"}) as copies:
        slow = copies.stubs[0]
        slow.faults["/"] = Fault("latency", ms=50)
        await copies.traffic(0.5)
        met = await copies.traffic(1.5)
        assert met[slow.address] <= 0.05 * met.total()
        assert not met["errors"]


async def test_f19_a_copy_that_fails_fast_is_not_favoured() -> None:
    async with three() as copies:
        copies.stubs[0].faults["/"] = Fault("status", status=500)
        await copies.traffic(0.5)
        met = await copies.traffic(1.5)
        assert met["errors"] <= 0.01 * met.total()


async def test_f19_a_copy_that_fails_fast_is_ejected_where_load_alone_would_favour_it() -> None:
    async with three(balance={"policy": "least_requests"}) as copies:
        failing = copies.stubs[0]
        failing.faults["/"] = Fault("status", status=500)
        await copies.traffic(0.5)
        met = await copies.traffic(1.5)
        assert met["errors"] <= 0.01 * met.total()
        assert copies.stats.instances[failing.address].ejected


async def test_a_copy_that_is_gone_is_ejected_too() -> None:
    async with three() as copies:
        await copies.stubs[0].stop_listening()
        await copies.traffic(0.5)
        met = await copies.traffic(0.5)
        assert met["errors"] <= 0.01 * met.total()


async def test_f20_when_two_of_three_fail_their_checks_but_answer_all_are_called() -> None:
    async with three(health={"path": "/health", "every": 0.02}, balance={"policy": "round_robin"}) as copies:
        for stub in copies.stubs[:2]:
            stub.faults["/health"] = Fault("status", status=500)
        await copies.traffic(0.3)
        assert [stats.healthy for stats in copies.stats.instances.values()] == [False, False, True]
        met = await copies.traffic(0.5)
        assert not met["errors"]
        assert copies.stats.panic >= 100
        assert all(met[stub.address] > 0.2 * met.total() for stub in copies.stubs)
        for stub in copies.stubs[:2]:
            del stub.faults["/health"]
        await copies.traffic(0.3)
        assert all(stats.healthy for stats in copies.stats.instances.values())


async def test_what_was_written_is_what_the_copies_read() -> None:
    async with three() as copies:
        await copies.traffic(0.5)
        written = [stats.written for stats in copies.stats.instances.values()]
        assert written == [stub.counters.calls for stub in copies.stubs]
