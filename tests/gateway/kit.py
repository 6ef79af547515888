"""A gateway with every kind of endpoint over one scripted backend, called as ASGI: what it answers and what it logs."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import unquote

import orjson
from annotated_types import Len
from starlette.types import Message

from bff import App, Client, Screen, needs, section
from bff.composition.build import plan_of
from bff.faces.screen import ServedScreen
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.problem_pages import ProblemPages
from bff.gateway.proxy import ProxyEndpoint
from bff.gateway.request import Endpoint
from bff.gateway.screen_endpoint import ScreenEndpoint
from bff.gateway.stack import Stack
from bff.observe.logs import AccessLog
from bff.observe.records import Records
from bff.observe.tracing import Tracing
from bff.service_settings import ServiceSettings
from bff.settings import LimitSettings, RouteSettings, Settings
from bff.testing import StubService
from bff.upstream.upstreams import Upstreams
from tests.identity.tokens import JWKS, Documents, Time, claims, key_set, signer, verifier

SHOP = App("shop")
MAX_BODY = 64 * 1024


class Users(Client, service="users"):
    async def name(self, who: str) -> str:
        return await self.get("/names/{who}", str, who=who)


@dataclass
class Page:
    name: str | None = None
    note: str | None = None
    said: str | None = None


@section()
async def name(users: Users) -> str:
    return await users.name("head")


@section(timeout=0.3, fallback=None)
async def note(users: Users) -> str:
    return await users.name("note")


@section()
async def said(users: Users, item_id: str, page_size: int = 10, tags: Annotated[list[str], Len(max_length=3)] = []) -> str:  # noqa: B006 - read, never written
    return f"{await users.name(item_id)} {page_size} {tags}"


@section()
async def broken(users: Users) -> str:
    raise KeyError("a secret of ours")


@dataclass
class Broken:
    broken: str


def screens() -> Iterable[Screen]:
    yield Screen("/home", Page(name=needs(name), note=needs(note)), apps=(SHOP,))
    yield Screen("/open", Page(name=needs(name)), apps=(SHOP,), guests=True)
    yield Screen("/items/{item_id}", Page(said=needs(said)), apps=(SHOP,), guests=True)
    yield Screen("/staff", Page(name=needs(name)), apps=(SHOP,), scopes=["staff", "admin"])
    yield Screen("/broken", Broken(needs(broken)), apps=(SHOP,), guests=True)


ROUTES = {
    "login": RouteSettings(path="/api/login", service="users", to="/login", methods=["POST"], guests=True),
    "read": RouteSettings(path="/api/users", service="users", to="/v1/users", guests=True),
    "write": RouteSettings(path="/api/users", service="users", to="/v1/users", methods=["POST"], scopes=["users:write"]),
}


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # Any: JSON of any shape
        return orjson.loads(self.body)

    @property
    def problem(self) -> str:
        """The slug of the problem document that this must be."""
        assert self.headers["content-type"] == "application/problem+json"
        document = self.json
        assert document["status"] == self.status
        assert document["requestId"] == self.headers["x-request-id"]
        return str(document["type"]).removeprefix("/problems/")


@dataclass
class Peer:
    """A client: the body it sends part by part, and whether it has gone."""

    parts: list[bytes] = field(default_factory=lambda: [b""])
    read: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Message:
        if self.parts:
            part = self.parts.pop(0)
            self.read += len(part)
            return {"type": "http.request", "body": part, "more_body": bool(self.parts)}
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Kit:
    """A stack, its backend and its log."""

    def __init__(
        self,
        stub: StubService,
        upstreams: Upstreams,
        keys: Documents,
        access: AccessLog | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.stub = stub
        self._written: list[bytes] = []
        self.access = access or AccessLog(self._written.append)
        limits = LimitSettings(max_body=MAX_BODY, max_query=1_000)
        self.keys = keys
        self.records = Records()
        routes = Routes(self._endpoints(upstreams, limits))
        self.stack = Stack(
            routes, Guard(limits), Identities(verifier(keys, Time())), self.access, records=self.records, tracing=tracing
        )

    @staticmethod
    def _endpoints(upstreams: Upstreams, limits: LimitSettings) -> Iterable[Endpoint]:
        for screen in screens():
            yield ScreenEndpoint(SHOP, ServedScreen(plan_of(screen), upstreams.clients))
        for one, route in ROUTES.items():
            yield ProxyEndpoint(one, route, upstreams.services["users"], limits)
        yield ProblemPages()

    async def ask(
        self,
        target: str,
        method: str = "GET",
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        *,
        host: str | None = "shop.example",
        peer: Peer | None = None,
    ) -> Reply:
        """One request, whole; `host` None sends no Host."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        own = [("host", host)] if host is not None else []
        more = list(headers.items()) if isinstance(headers, dict) else headers or []
        await self.stack(scope_of(target, method, own + more), (peer or Peer()).receive, send)
        if not sent:
            return Reply(0, {}, b"")
        start, *rest = sent
        names = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        assert len(names) == len(start["headers"]), "a header stands twice"
        return Reply(start["status"], names, b"".join(message.get("body", b"") for message in rest))

    @property
    def line(self) -> dict[str, Any]:  # Any: JSON of any shape
        """The access line of the last request."""
        self.access.flush()
        return dict(orjson.loads(self._written[-1].splitlines()[-1]))

    @property
    def lines(self) -> bytes:
        self.access.flush()
        return b"".join(self._written)


def scope_of(target: str, method: str, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A request as Granian hands it over: names in lower case, the path decoded and as it was."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path, errors="replace"),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("192.0.2.7", 5),
        "server": ("127.0.0.1", 80),
    }


@asynccontextmanager
async def gateway(
    replies: Mapping[str, object] | None = None, access: AccessLog | None = None, tracing: Tracing | None = None
) -> AsyncIterator[Kit]:
    """A gateway whose one backend answers each path by `replies` (by default it knows the names)."""
    names: dict[str, object] = {"/names/head": "Ada", "/names/note": "a note", "/names/7": "seven"}
    async with StubService(names if replies is None else replies) as stub:
        settings = Settings(services={"users": ServiceSettings(instances=[f"http://{stub.address}"])})
        upstreams = Upstreams.of(settings)
        try:
            yield Kit(stub, upstreams, Documents({JWKS: key_set(signer().jwk())}), access, tracing)
        finally:
            await upstreams.close()


def bearer(**changes: object) -> dict[str, str]:
    """The header of a caller whose token has these claims changed."""
    return {"authorization": f"Bearer {signer().sign(claims(**changes))}"}
