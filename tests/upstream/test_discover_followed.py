"""Discovery, instances, balancer and wires together, over real sockets under load: a service moves and nobody's call fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bff.deadline import Deadline
from bff.errors import BackendUnreachable
from bff.service_settings import DiscoverSettings, ServiceSettings
from bff.testing.stub import Fault, StubService
from bff.upstream.balance import Balance
from bff.upstream.call import Call
from bff.upstream.discover import discovery
from bff.upstream.instances import Instances
from bff.upstream.stats import ServiceStats
from bff.upstream.wires import wires
from tests.upstream.dnsmasq import Dnsmasq, dnsmasq

FOLLOWED = 10.0  # seconds: F21


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Dnsmasq]:
    async with dnsmasq(tmp_path) as server:
        yield server


@asynccontextmanager
async def copies() -> AsyncIterator[tuple[StubService, StubService]]:
    """Two copies of a service on the same port of two addresses; every answer takes a moment, so calls are under way."""
    async with StubService({"/": "the first"}) as first:
        second = StubService({"/": "the second"})
        await second.start("127.0.0.2", first.port)
        first.fault = second.fault = Fault("latency", ms=200)  # longer than between two looks at who may be closed
        try:
            yield first, second
        finally:
            await second.close()


class Load:
    """Callers of a service that is discovered, through its balancer and its wires; the first failure ends it."""

    def __init__(self, discover: DiscoverSettings) -> None:
        settings = ServiceSettings(discover=discover)
        self.stats = ServiceStats()
        self.instances = Instances(wires("users", settings), self.stats)
        self.balance = Balance("users", self.instances, settings, self.stats)
        self.failures: list[Exception] = []
        self.answered = 0
        self._discovery = discovery("users", settings, self.stats)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Load":
        self._discovery.start(self.instances.update)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._discovery.close()
        await self.balance.close()

    async def known(self, live: int) -> None:
        await eventually(lambda: len(self.instances.live) == live)

    def start(self, callers: int = 5) -> None:
        self._tasks |= {asyncio.get_running_loop().create_task(self._calls()) for _ in range(callers)}

    async def call(self) -> None:
        await self.balance.send(Call("users", "GET", "/", Deadline.after(2.0)))
        self.answered += 1

    async def _calls(self) -> None:
        while not self.failures:
            try:
                await self.call()
            except Exception as error:  # noqa: BLE001 - the test looks at it
                self.failures.append(error)


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(FOLLOWED):
        while not true():  # noqa: ASYNC110 - what is waited for is spread over many objects that tell nobody
            await asyncio.sleep(0.01)


async def test_a_record_that_moves_is_followed_without_a_failed_call(server: Dnsmasq) -> None:
    """F21, with the settings as they are by default."""
    async with copies() as (first, second):
        await server.serve("host-record=users.internal,127.0.0.1")
        name = f"users.internal:{first.port}"
        async with Load(DiscoverSettings(kind="dns", name=name, nameserver=server.address)) as load:
            await load.known(1)
            load.start()
            await eventually(lambda: load.answered > 10)
            await server.serve("host-record=users.internal,127.0.0.2")
            await eventually(lambda: second.counters.calls > 10 and first.counters.open_connections == 0)
            assert load.failures == []
            assert first.counters.cancels == 0
            assert list(load.stats.instances) == [second.address]
            assert second.seen[0].headers["host"] == name


async def test_a_target_that_comes_is_called_and_one_that_goes_is_left_without_a_failed_call(server: Dnsmasq) -> None:
    async with copies() as (first, second):
        both = [
            f"srv-host=_http._tcp.users.internal,{pod}.users.internal,{first.port},0,{weight}\nhost-record={pod}.users.internal,{at}"
            for pod, weight, at in (("a", 1, "127.0.0.1"), ("b", 3, "127.0.0.2"))
        ]
        await server.serve(both[0])
        settings = DiscoverSettings(kind="srv", name="_http._tcp.users.internal", nameserver=server.address)
        async with Load(settings) as load:
            await load.known(1)
            load.start()
            kept = load.instances.live[0]
            await server.serve(*both)
            await load.known(2)
            assert load.instances.live[0] is kept
            assert [instance.weight for instance in load.instances.live] == [1, 3]
            await eventually(lambda: second.counters.calls > 10)
            await server.serve(both[1])
            await eventually(lambda: first.counters.open_connections == 0)
            assert load.failures == []
            assert first.counters.cancels == 0


async def test_while_dns_is_down_calls_go_on_and_one_look_after_it_is_back_it_is_followed(server: Dnsmasq) -> None:
    """F22 over sockets; five minutes of it pass in test_discover_dns.py."""
    async with copies() as (first, second):
        await server.serve("host-record=users.internal,127.0.0.1")
        settings = DiscoverSettings(kind="dns", name=f"users.internal:{first.port}", every=1.0, nameserver=server.address)
        async with Load(settings) as load:
            await load.known(1)
            load.start()
            await server.stop()
            await eventually(lambda: load.stats.discovery_failed >= 1)
            answered = load.answered
            await eventually(lambda: load.answered > answered + 20)
            assert load.failures == []
            await server.serve("host-record=users.internal,127.0.0.2")
            await eventually(lambda: second.counters.calls > 0)
            assert load.failures == []


async def test_a_service_whose_dns_is_down_at_start_is_found_once_it_answers(server: Dnsmasq) -> None:
    async with copies() as (first, _):
        settings = DiscoverSettings(kind="dns", name=f"users.internal:{first.port}", nameserver=server.address)
        async with Load(settings) as load:
            await eventually(lambda: load.stats.discovery_failed >= 1)
            with pytest.raises(BackendUnreachable, match="no instance is known"):
                await load.call()
            await server.serve("host-record=users.internal,127.0.0.1")
            await load.known(1)
            load.start(1)
            await eventually(lambda: load.answered > 0)
            assert load.failures == []
