"""The gateway's stack behind the worker's own listener, on a real socket, and requests written to it byte by byte.

One screen and its GraphQL, an app that pages of other origins may call, plain routes, and a backend that notes what it sees.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bff import App, Screen, View, needs
from bff.composition.build import plan_of
from bff.faces.answer import Headers
from bff.faces.screen import ServedScreen
from bff.gateway.address import Proxies
from bff.gateway.cors import Cors
from bff.gateway.graphql_endpoint import GraphQLEndpoint
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.problem_pages import ProblemPages
from bff.gateway.proxy import ProxyEndpoint
from bff.gateway.request import Endpoint, Request
from bff.gateway.screen_endpoint import ScreenEndpoint
from bff.gateway.stack import Stack
from bff.identity.jwt import JwtVerifier
from bff.observe.logs import AccessLog
from bff.server.door import Door
from bff.server.listener import Listener
from bff.server.sockets import open_listener
from bff.service_settings import ServiceSettings
from bff.settings import AppSettings, LimitSettings, RouteSettings, Settings
from bff.testing import StubReply, StubRequest, StubService
from bff.upstream.upstreams import Upstreams
from tests.gateway.kit import name, note, said
from tests.identity.tokens import JWKS, Documents, Time, claims, key_set, signer, verifier

# What a test waits for comes within this or never; a machine may be busy.
PATIENCE = 20.0
MAX_BODY = 64 * 1024
HOST = "shop.example"
ORIGIN = "https://www.shop.example"

SHOP = App("shop")  # no page of another origin
WEB = App("web")  # pages of ORIGIN, with cookies
OPEN = App("open")  # any page, without cookies

APPS = {
    "web": AppSettings(origins=[ORIGIN], credentials=True),
    "open": AppSettings(origins=["*"]),
}
ROUTES = {
    "login": RouteSettings(path="/api/login", service="users", to="/login", methods=["POST"], guests=True),
    "read": RouteSettings(path="/api/users", service="users", to="/v1/users", guests=True),
    "write": RouteSettings(
        path="/api/users", service="users", to="/v1/users", methods=["POST", "DELETE"], scopes=["users:write"]
    ),
}


class Home(View):
    name: str
    note: str | None


class Named(View):
    name: str


class Item(View):
    said: str


@dataclass
class Reply:
    """One answer as it stood on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        """The kind, of a problem document of ours; "" for what Granian answers by itself."""
        document: dict[str, Any] = orjson.loads(self.body) if self.body else {}
        return str(document.get("type", "")).removeprefix("/problems/")


@dataclass
class Said:
    """All that came back on one connection, and whether the server closed it."""

    replies: list[Reply]
    closed: bool

    @property
    def statuses(self) -> list[int]:
        return [reply.status for reply in self.replies]


class Watched(Identities):
    """Notes what stands behind the guard: the headers that every later part reads."""

    def __init__(self, verifier: JwtVerifier) -> None:
        super().__init__(verifier)
        self.headers: Headers = []

    async def identify(self, request: Request) -> None:
        self.headers = request.raw_headers
        assert all(request.header(name) is not None for name, _ in self.headers)
        await super().identify(request)


class Counted:
    """An ASGI app that counts the bytes of bodies that the app behind it reads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.read = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting() -> Message:
            message = await receive()
            self.read += len(message.get("body", b""))
            return message

        await self._app(scope, counting, send)


@dataclass
class Front:
    """A running front door."""

    port: int
    stub: StubService
    watched: Watched
    counted: Counted
    access: AccessLog
    seen: list[StubRequest]
    written: list[bytes] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return self.stub.counters.calls

    @property
    def lines(self) -> list[dict[str, Any]]:  # Any: JSON of any shape
        self.access.flush()
        return [orjson.loads(line) for line in b"".join(self.written).splitlines()]

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, *parts: bytes, patience: float = PATIENCE) -> Said:
        """Write the parts, then read until the server closes; after `patience` seconds it is taken to keep it open."""
        loop = asyncio.get_running_loop()
        got, closed = b"", False
        with socket.socket() as client:  # not a stream: one that fails to write throws away what there is to read
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", self.port))
            with suppress(ConnectionError):
                for part in parts:
                    await loop.sock_sendall(client, part)
            try:
                async with asyncio.timeout(patience):
                    while more := await loop.sock_recv(client, 65536):
                        got += more
                closed = True
            except TimeoutError:
                pass
            except ConnectionError:
                closed = True
        return Said(parsed(got), closed)

    async def ask(
        self, target: str, method: str = "GET", headers: Iterable[tuple[str, str]] = (), body: bytes = b"", host: str = HOST
    ) -> Reply:
        """One well-formed request on a connection of its own; the target goes out as it is written."""
        said = await self.say(request(target, method, [("Connection", "close"), *headers], body, host))
        (reply,) = said.replies
        return reply


def request(
    target: str, method: str = "GET", headers: Iterable[tuple[str, str]] = (), body: bytes = b"", host: str = HOST
) -> bytes:
    """The bytes of a request, with a Host and, if there is a body, its length."""
    own = [("Host", host)] if host else []
    length = [("Content-Length", str(len(body)))] if body else []
    head = "".join(f"{key}: {value}\r\n" for key, value in [*own, *headers, *length])
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def parsed(got: bytes) -> list[Reply]:
    """The answers, by their lengths; what is interim (100) is left out."""
    replies: list[Reply] = []
    while got:
        head, found, got = got.partition(b"\r\n\r\n")
        assert found, f"an answer breaks off in its head: {head!r}"
        first, *rest = head.decode("latin-1").split("\r\n")
        pairs = [line.split(": ", 1) for line in rest]
        names = {key.lower(): value for key, value in pairs}
        assert len(names) == len(pairs), f"a header stands twice: {rest}"
        status = int(first.split()[1])
        if status < 200:
            continue
        size = int(names.get("content-length", "0"))
        replies.append(Reply(status, names, got[:size]))
        got = got[size:]
    return replies


@asynccontextmanager
async def front(
    hosts: Sequence[str] = (HOST,), trusted: Sequence[str] = (), limits: LimitSettings | None = None
) -> AsyncIterator[Front]:
    """A front door whose backend knows two names and answers every plain route."""
    seen: list[StubRequest] = []

    def answer(given: StubRequest) -> StubReply:
        seen.append(given)
        return StubReply.json(given.path.rpartition("/")[2])

    async with StubService(handler=answer) as stub:
        settings = Settings(services={"users": ServiceSettings(instances=[f"http://{stub.address}"])})
        upstreams = Upstreams.of(settings)
        written: list[bytes] = []
        access = AccessLog(written.append)
        limits = limits or LimitSettings(max_body=MAX_BODY, max_query=1_000)
        watched = Watched(verifier(Documents({JWKS: key_set(signer().jwk())}), Time()))
        routes = Routes(_endpoints(upstreams, limits))
        stack = Stack(routes, Guard(limits, hosts, Proxies(trusted)), watched, access, cors=Cors(APPS))
        counted = Counted(stack)
        opened = open_listener("127.0.0.1", 0)
        port = int(opened.getsockname()[1])
        listener = Listener(Door(counted), opened, 4096)
        serving = asyncio.create_task(listener.serve())
        try:
            yield Front(port, stub, watched, counted, access, seen, written)
        finally:
            listener.stop()
            await serving
            await upstreams.close()


def _endpoints(upstreams: Upstreams, limits: LimitSettings) -> Iterable[Endpoint]:
    for app in (SHOP, WEB, OPEN):
        served = [ServedScreen(plan_of(screen), upstreams.clients) for screen in _screens(app)]
        for screen in served:
            yield ScreenEndpoint(app, screen)
        yield GraphQLEndpoint(app, served, limits)
    for key, route in ROUTES.items():
        yield ProxyEndpoint(key, route, upstreams.services["users"], limits)
    yield ProblemPages()


def _screens(app: App) -> Iterable[Screen]:
    yield Screen("/home", Home(name=needs(name), note=needs(note)), apps=(app,))
    yield Screen("/open", Named(name=needs(name)), apps=(app,), guests=True)
    yield Screen("/items/{item_id}", Item(said=needs(said)), apps=(app,), guests=True)


def bearer(**changes: object) -> tuple[str, str]:
    """The header of a caller whose token has these claims changed."""
    return "Authorization", f"Bearer {signer().sign(claims(**changes))}"
