"""Each call tells its service who asks, and never another one's caller: every kind of client, every layer (D9, S143)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bff import Caller, Client, batched
from bff.caller import GUEST
from bff.identity.inside_keys import InsideKeys
from bff.identity.internal_token import Inside
from bff.inside import HEADER, Identity, Verifier
from bff.testing import Fault, StubReply, StubRequest, StubService
from bff.upstream import pipe
from bff.upstream.coalesce import Coalesce
from bff.upstream.codecs.xml import XmlCodec
from bff.upstream.graphql import GraphQLClient
from bff.upstream.scope import RequestScope
from bff.upstream.service import Service
from tests.upstream.calls import settings
from tests.upstream.library import BOOK, Library

ADA = Caller(id="ada", app="shop", scopes=frozenset({"orders:read"}))
BEN = Caller(id="ben", app="shop")
KEYS = InsideKeys(Ed25519PrivateKey.generate())
INSIDE = Inside(KEYS, {"shop": "token", "library": "token", "echo": "token", "old": "headers", "geo": "none"})


class Shop(Client, service="shop"):
    async def mine(self) -> str:
        return await self.get("/mine", str)

    async def common(self) -> str:
        return await self.under(shared=True).get("/mine", str)

    async def write(self) -> str:
        return await self.under(shared=True).post("/mine", str, {})

    @batched()
    async def item(self, keys: list[int]) -> dict[int, str]:
        return {int(key): who for key, who in (await self.get("/items", dict[str, str], key=keys)).items()}


def scope_of(caller: Caller, inside: Inside = INSIDE) -> RequestScope:
    return RequestScope(tell=inside.of(caller))


class Backend:
    """Answers with who asks, by the gateway's word; keeps what it was told."""

    def __init__(self, tmp_path: Path, service: str = "shop", reply: StubReply | None = None) -> None:
        self.reply = reply
        (tmp_path / "jwks.json").write_bytes(KEYS.document)
        self.verifier = Verifier(str(tmp_path / "jwks.json"), service)
        self.asked: list[StubRequest] = []
        self.stub = StubService(self.answer)

    def who(self, request: StubRequest) -> Identity | None:
        return self.verifier.verify(request.headers[HEADER]) if HEADER in request.headers else None

    def answer(self, request: StubRequest) -> StubReply:
        self.asked.append(request)
        if self.reply is not None:
            return self.reply
        who = self.who(request)
        name = "not told" if who is None else who.id or "nobody"
        return StubReply.json(dict.fromkeys(request.query["key"], name) if "key" in request.query else name)


@asynccontextmanager
async def calling(stub: StubService, name: str = "shop", **given: object) -> AsyncIterator[Service]:
    made = pipe.service(name, settings(instances=[f"http://{stub.address}"], **given))
    try:
        yield made
    finally:
        await made.close()


# What is told


async def test_a_service_is_told_who_asks_by_a_token_of_its_own(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    async with backend.stub, calling(backend.stub) as service:
        assert await Shop(service, scope_of(ADA)).mine() == "ada"
        assert await Shop(service, scope_of(GUEST)).mine() == "nobody"
        first, guest = map(backend.who, backend.asked)
    assert first == Identity("ada", "shop", frozenset({"orders:read"}))
    assert guest == Identity(None)


async def test_writes_tell_it_too_whatever_is_shared_otherwise(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    async with backend.stub, calling(backend.stub) as service:
        assert await Shop(service, scope_of(ADA)).write() == "ada"


async def test_a_service_on_a_trusted_network_is_told_in_plain_headers() -> None:
    class Old(Shop, service="old"):
        pass

    async with StubService({"/mine": "x"}) as stub, calling(stub, "old") as service:
        await Old(service, scope_of(ADA)).mine()
        told = {name: value for name, value in stub.seen[-1].headers.items() if name.startswith("x-")}
    assert told == {"x-user-id": "ada", "x-user-app": "shop", "x-user-scopes": "orders:read"}


@pytest.mark.parametrize("scope", [scope_of(ADA), RequestScope()])
async def test_a_service_that_asks_for_nothing_is_told_nothing(scope: RequestScope) -> None:
    class Geo(Shop, service="geo"):
        pass

    async with StubService({"/mine": "x"}) as stub, calling(stub, "geo") as service:
        await Geo(service, scope).mine()
        assert not [name for name in stub.seen[-1].headers if name.startswith(("x-user", "x-internal", "authorization"))]


# By every kind of client


async def test_a_client_of_xml_tells_it(tmp_path: Path) -> None:
    class Price(msgspec.Struct):
        pass

    class Prices(Client, service="shop", codec=XmlCodec()):
        async def price(self) -> Price:
            return await self.get("/price", Price)

    backend = Backend(tmp_path, reply=StubReply(b"<p/>", 200, "application/xml"))
    async with backend.stub, calling(backend.stub) as service:
        await Prices(service, scope_of(ADA)).price()
    assert backend.who(backend.asked[0]) == Identity("ada", "shop", frozenset({"orders:read"}))


async def test_a_client_of_graphql_tells_it(tmp_path: Path) -> None:
    backend = Backend(tmp_path, "library", reply=StubReply.json({"data": {"book": None}}))
    async with backend.stub, calling(backend.stub, "library") as service:
        library = Library(service, scope_of(ADA))
        assert isinstance(library, GraphQLClient)
        await library.query(BOOK, dict[str, None], id="1")
    assert backend.who(backend.asked[0]) == Identity("ada", "shop", frozenset({"orders:read"}))


async def test_a_client_of_grpc_tells_it_in_the_calls_metadata(tmp_path: Path) -> None:
    told: list[str] = []

    async def say(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        told.extend(str(value) for name, value in context.invocation_metadata() or () if name == HEADER)
        return b""

    class Question(msgspec.Struct):
        text: str

    class Echo(Client, service="echo", proto="echo.proto"):
        async def say(self, text: str) -> Question:
            return await self.rpc("/echo.v1.Echo/Say", Question, Question(text))

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(say)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("echo.v1.Echo", {"Say": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    made = pipe.service("echo", settings(instances=[f"http://127.0.0.1:{port}"], wire="grpc", timeout=5.0))
    try:
        await Echo(made, scope_of(ADA)).say("hi")
    finally:
        await made.close()
        await server.stop(None)
    assert [Backend(tmp_path, "echo").verifier.verify(value).id for value in told] == ["ada"]


# In every layer


async def test_an_attempt_that_is_made_again_is_of_the_same_caller(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    async with backend.stub, calling(backend.stub, retry={"budget_floor": 100.0, "backoff": 0.0}) as service:
        backend.stub.fault = Fault("status", status=503)
        client = Shop(service, scope_of(ADA))
        mine = asyncio.create_task(client.mine())
        await backend.stub.wait_for(lambda: backend.stub.counters.calls == 1)
        backend.stub.fault = None
        assert await mine == "ada"
        tokens = {record.headers[HEADER] for record in backend.stub.seen}
        assert len(backend.stub.seen) > len(tokens) == 1


async def test_a_batch_of_one_request_is_of_its_caller(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    async with backend.stub, calling(backend.stub) as service:
        ada, ben = Shop(service, scope_of(ADA)), Shop(service, scope_of(BEN))
        told = await asyncio.gather(*(client.item(key) for key in range(5) for client in (ada, ben)))
        assert told == ["ada", "ben"] * 5
        assert backend.stub.counters.calls == 2


@asynccontextmanager
async def sharing(backend: Backend) -> AsyncIterator[Service]:
    """A service whose shared calls say that it is the gateway that asks."""
    async with calling(backend.stub) as service:
        inner = service.sender
        service.sender = Coalesce("shop", inner, settings(), service.stats, nobody=lambda: INSIDE.nobody("shop"))
        yield service


async def test_a_read_that_requests_share_is_nobodys(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    async with backend.stub, sharing(backend) as service:
        backend.stub.fault = Fault("latency", ms=50)
        told = await asyncio.gather(*(Shop(service, scope_of(who)).common() for who in (ADA, BEN, GUEST)))
        assert told == ["nobody"] * 3
        assert backend.stub.counters.calls == 1


async def test_a_shared_read_and_ones_own_of_the_same_thing_are_two_in_one_request(tmp_path: Path) -> None:
    """The service may answer its own user otherwise than everybody; neither may stand for the other."""
    backend = Backend(tmp_path)
    async with backend.stub, sharing(backend) as service:
        client = Shop(service, scope_of(ADA))
        assert [await client.common(), await client.mine(), await client.common()] == ["nobody", "ada", "nobody"]
        assert backend.stub.counters.calls == 2


async def test_s143_of_ten_thousand_reads_of_users_in_parallel_none_is_answered_as_anothers(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    callers = [Caller(id=f"user-{number}", app="shop") for number in range(10)]
    crossings = answers = 0

    async def request(service: Service, caller: Caller) -> None:
        nonlocal crossings, answers
        client = Shop(service, scope_of(caller))
        *own, common = await asyncio.gather(*(client.item(key) for key in range(8)), client.mine(), client.common())
        answers += len(own) + 1
        crossings += sum(told != caller.id for told in own) + (common != "nobody")

    async with backend.stub, sharing(backend) as service:
        for _ in range(100):
            await asyncio.gather(*(request(service, caller) for caller in callers))
    assert (answers, crossings) == (10_000, 0)


async def test_what_says_who_asks_may_not_be_among_a_shared_calls_own_headers(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    async with backend.stub, sharing(backend) as service:
        for name in (HEADER, "x-user-id", "authorization", "cookie"):
            with pytest.raises(TypeError, match="must not say who asks"):
                await Shop(service, RequestScope(headers=((name, "ada"),))).common()
        assert backend.stub.counters.calls == 0
