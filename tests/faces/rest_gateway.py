"""Two gateways over the screens of rest_screens.py, one dispatched and one through FastAPI, and a way to call them."""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request as HttpRequest
from starlette.types import ASGIApp, Message

from bff import App
from bff.faces.answer import Answer
from bff.faces.rest import fastapi_app
from bff.faces.screen import Raw, ServedScreen
from bff.gateway.accept import refuse_unless_json
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.request import Endpoint, Request
from bff.gateway.screen_endpoint import ScreenEndpoint, raw_of
from bff.gateway.stack import Stack
from bff.observe.logs import AccessLog
from bff.priority import Priority
from bff.settings import LimitSettings
from tests.faces.rest_fakes import served
from tests.faces.rest_screens import SHOP
from tests.identity.tokens import JWKS, Documents, Time, claims, key_set, signer, verifier

MakeEndpoint = Callable[[App, ServedScreen], Endpoint]


class FastAPIEndpoint:
    """One screen behind its REST path, the long way: through FastAPI, to the same `serve`."""

    methods = ("GET", "HEAD")
    counted = True
    account = None

    def __init__(self, app: App, screen: ServedScreen) -> None:
        self.app = app.name
        self.name = f"{app.name}/{screen.screen.name}"
        self.owner = app.owner
        self.identities = frozenset(app.identities)
        self.template = app.path(screen.screen.path)
        self.guests = screen.screen.guests
        self.scopes = screen.screen.scopes
        self.priority: Priority = screen.screen.priority
        self._make = partial(fastapi_app, app, [screen], raw_of=_raw, ids_of=_ids)

    async def answer(self, request: Request) -> Answer:
        status, headers, body = await call(self._make(), {**request.scope, "bff.request": request})
        own = [pair for pair in headers if pair[0] not in (b"content-type", b"content-length")]
        return Answer(status, body, dict(headers)[b"content-type"], own)


def _request(http: HttpRequest) -> Request:
    request = http.scope["bff.request"]
    assert isinstance(request, Request)
    return request


def _ids(http: HttpRequest) -> tuple[str, str]:
    request = _request(http)
    return request.id, request.work.trace.trace_id if request.work.trace else ""


def _raw(http: HttpRequest) -> Raw:
    refuse_unless_json(_request(http))
    return raw_of(_request(http))


def stack(endpoint: MakeEndpoint, broken: Mapping[str, BaseException] | None = None) -> Stack:
    """A gateway over all screens, whose identities are signed by tests/identity/tokens.py."""
    keys = verifier(Documents({JWKS: key_set(signer().jwk())}), Time())
    routes = Routes(endpoint(SHOP, one) for one in served(broken))
    return Stack(routes, Guard(LimitSettings()), Identities(keys), AccessLog(None))


# The way of production, and below it the way that is documented.
DISPATCHED: MakeEndpoint = ScreenEndpoint
THROUGH_FASTAPI: MakeEndpoint = FastAPIEndpoint


def token(**changes: object) -> str:
    return signer().sign(claims(**changes))


Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


async def call(app: ASGIApp, scope: MutableMapping[str, Any], body: bytes = b"") -> Reply:
    """One request through an ASGI app, whole. The client stays connected."""
    sent: list[Message] = []
    unread = [body]

    async def receive() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # never done

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return start["status"], list(start["headers"]), b"".join(message.get("body", b"") for message in rest)


def request_scope(target: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An HTTP request as Granian hands it over."""
    path, _, query = target.partition("?")
    trace = f"00-{'a' * 32}-{'b' * 16}-00"
    given = {"host": "shop.example", "x-request-id": "r-1", "traceparent": trace, **(headers or {})}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
