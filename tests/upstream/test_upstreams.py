"""The services of bff.toml, and the clients that one request has of them."""

import asyncio
import socket
from pathlib import Path

import pytest
from pydantic import ValidationError

from bff import BackendBusy, BackendInvalid, BackendTimeout, BackendUnreachable, Client
from bff.service_settings import DiscoverSettings, ServiceSettings
from bff.settings import ServerSettings, Settings
from bff.testing import Fault, StubReply, StubService
from bff.upstream.scope import RequestScope
from bff.upstream.upstreams import Upstreams


class Users(Client, service="users"):
    pass


class Others(Client, service="users"):
    pass


class Nowhere(Client, service="nowhere"):
    pass


def upstreams(stub: StubService, **settings: object) -> Upstreams:
    users = ServiceSettings.model_validate({"instances": [f"http://{stub.address}"], **settings})
    return Upstreams.of(Settings(services={"users": users}))


async def test_a_request_has_one_client_of_a_class_and_another_request_another() -> None:
    async with StubService({}) as stub:
        found = upstreams(stub)
        mine, theirs = found.clients(RequestScope()), found.clients(RequestScope())
        assert mine(Users) is mine(Users)
        assert mine(Users) is not theirs(Users)
        assert mine(Users).scope is mine(Others).scope
        assert mine(Users).scope is not theirs(Users).scope
        with pytest.raises(KeyError, match="nowhere"):
            mine(Nowhere)
        await found.close()


async def test_all_requests_share_a_services_connections() -> None:
    async with StubService({"/name": "Ada"}) as stub:
        found = upstreams(stub)
        clients = [found.clients(RequestScope())(Users) for _ in range(3)]
        for client in clients:
            assert await client.get("/name", str) == "Ada"
        assert (stub.counters.calls, stub.counters.connections) == (3, 1)
        assert found.services["users"].stats.in_flight == 0
        await found.close()
        with pytest.raises(BackendUnreachable):
            await found.clients(RequestScope())(Users).get("/name", str)


@pytest.mark.parametrize("wire", ["http1", "httpx"])
async def test_the_settings_of_a_service_hold_on_its_wire(wire: str) -> None:
    async with StubService({"/name": "Ada", "/long": StubReply(b'"' + b"a" * 2_000 + b'"')}) as stub:
        found = upstreams(stub, wire=wire, timeout=0.08, max_body=1_000, max_in_flight=1)
        client = found.clients(RequestScope())(Users)
        assert await client.get("/name", str) == "Ada"
        assert 60 <= int(stub.seen[0].headers["request-timeout"]) <= 70
        with pytest.raises(BackendInvalid):
            await client.get("/long", str)
        stub.fault = Fault("hang")
        with pytest.raises(BackendTimeout):
            await client.get("/name", str, again=1)
        await found.close()


async def test_a_service_has_its_cap_of_calls_at_once() -> None:
    async with StubService({"/name": "Ada"}) as stub:
        found = upstreams(stub, max_in_flight=1)
        one, other = (found.clients(RequestScope())(Users) for _ in range(2))
        stub.fault = Fault("hang")
        first = asyncio.ensure_future(one.get("/name", str))
        await stub.wait_for(lambda: stub.counters.calls == 1)
        with pytest.raises(BackendBusy):
            await other.get("/name", str)
        assert stub.counters.calls == 1
        first.cancel()
        await asyncio.wait([first])
        await found.close()


def test_a_service_may_speak_grpc() -> None:
    found = Upstreams.of(Settings(services={"echo": ServiceSettings(instances=["http://127.0.0.1:1"], wire="grpc")}))
    assert found.services["echo"].name == "echo"
    assert list(found.services["echo"].stats.instances) == ["127.0.0.1:1"]


async def test_the_first_byte_and_connect_timeouts_of_a_service_hold_on_its_wire() -> None:
    async with StubService({"/name": "Ada"}) as stub:
        found = upstreams(stub, timeout=30.0, first_byte_timeout=0.05)
        stub.fault = Fault("hang")
        with pytest.raises(BackendTimeout, match="no byte of its answer in time"):
            await found.clients(RequestScope())(Users).get("/name", str)
        await found.close()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]  # fill the backlog: from then on Linux drops every SYN
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        settings = ServiceSettings(
            instances=[f"http://127.0.0.1:{listener.getsockname()[1]}"], timeout=30.0, connect_timeout=0.05
        )
        found = Upstreams.of(Settings(services={"users": settings}))
        with pytest.raises(BackendTimeout, match="no connection in time"):
            await found.clients(RequestScope())(Users).get("/name", str)
        await found.close()
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(
    ("wire", "setting", "mend"),
    [
        ("httpx", {"first_byte_timeout": 0.1}, "first_byte_timeout is for wire = 'http1'"),
        ("grpc", {"first_byte_timeout": 0.1}, "first_byte_timeout is for wire = 'http1'"),
        ("grpc", {"connect_timeout": 0.1}, "connect_timeout is not for wire = 'grpc'"),
    ],
)
def test_a_setting_that_its_wire_has_no_use_for_is_refused(wire: str, setting: dict[str, float], mend: str) -> None:
    with pytest.raises(ValidationError, match=mend):
        ServiceSettings.model_validate({"instances": ["http://127.0.0.1:1"], "wire": wire, **setting})


@pytest.mark.parametrize(("workers", "places"), [(1, 3), (2, 2), (5, 1)])
async def test_workers_share_a_services_places_and_none_is_left_without(workers: int, places: int) -> None:
    users = ServiceSettings(instances=["http://127.0.0.1:1"], max_in_flight=3)
    found = Upstreams.of(Settings(services={"users": users}, server=ServerSettings(workers=workers)))
    assert found.services["users"].stats.limit == places
    await found.close()


async def test_once_started_a_service_that_must_be_looked_for_can_be_called(tmp_path: Path) -> None:
    async with StubService({"/name": "Ada"}) as stub:
        (tmp_path / "users.toml").write_text(f'instances = ["http://{stub.address}"]\n')
        users = ServiceSettings(discover=DiscoverSettings(kind="file", name=str(tmp_path / "users.toml")))
        found = Upstreams.of(Settings(services={"users": users}))
        with pytest.raises(BackendUnreachable, match="no instance is known"):
            await found.clients(RequestScope())(Users).get("/name", str)
        await found.start(within=5)
        assert await found.clients(RequestScope())(Users).get("/name", str) == "Ada"
        await found.close()


async def test_a_gateway_starts_although_a_services_instances_are_nowhere_to_be_found(tmp_path: Path) -> None:
    users = ServiceSettings(discover=DiscoverSettings(kind="file", name=str(tmp_path / "nothing.toml")))
    found = Upstreams.of(Settings(services={"users": users}))
    async with asyncio.timeout(5):
        await found.start(within=0.01)
    assert not found.services["users"].known.is_set()
    await found.close()
