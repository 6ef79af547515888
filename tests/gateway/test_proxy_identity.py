"""Who asks on a plain route is told by the gateway alone; what a client says of itself never goes on (S062-S066, D9)."""

from time import monotonic

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bff.caller import GUEST, Caller
from bff.faces.answer import Answer
from bff.gateway.proxy import ProxyEndpoint
from bff.gateway.request import Request
from bff.identity.inside_keys import InsideKeys
from bff.identity.internal_token import Form, Inside
from bff.inside import HEADER
from bff.service_settings import ServiceSettings
from bff.settings import LimitSettings, RouteSettings, Settings
from bff.testing import StubService
from bff.upstream.upstreams import Upstreams
from tests.gateway.kit import Peer, bearer, gateway, scope_of

ADA = Caller(id="7", app="", scopes=frozenset({"users:write"}), token="canary")

# What a client may try: each is dropped or refused, and never reaches a backend.
SPOOFED = [
    pytest.param([("X-User-Id", "canary")], id="S062 X-User-Id"),
    pytest.param([("X-User-Scopes", "canary"), ("X-User-Tenant", "canary")], id="S062 its siblings"),
    pytest.param([("X-Internal-Identity", "canary.canary.canary")], id="S063 X-Internal-Identity"),
    pytest.param([("X_User_Id", "canary")], id="S064 underscore twin"),
    pytest.param([("X_Internal_Identity", "canary")], id="S064 underscore twin of the token"),
    pytest.param([("x-UsEr-iD", "canary")], id="S065 mixed case"),
    pytest.param([("X-User-Id", "7"), ("X-User-Id", "canary")], id="S065 twice"),
    pytest.param([("Connection", "x-internal-identity"), ("X-Internal-Identity", "canary")], id="S066 strip trick"),
    pytest.param([("Connection", "x-user-id, close"), ("X-User-Id", "canary")], id="S066 strip trick of the id"),
]


@pytest.mark.parametrize("headers", SPOOFED)
@pytest.mark.parametrize(("path", "method"), [("/api/users", "GET"), ("/api/users", "POST"), ("/shop/v1/home", "GET")])
async def test_what_a_client_says_of_itself_reaches_no_backend(headers: list[tuple[str, str]], path: str, method: str) -> None:
    async with gateway({"/names/head": "Ada", "/names/note": "n", "/v1/users": []}) as kit:
        reply = await kit.ask(path, method, [*bearer(scope="users:write").items(), *headers])
        assert reply.status == 200  # dropped, not refused: nothing of it was read
        for seen in kit.stub.seen:
            assert not [
                name for name in seen.headers if name.startswith(("x-user", "x-internal", "x_")) or name == "connection"
            ]
            assert "canary" not in str(seen.headers)
        assert kit.stub.counters.calls > 0


async def asked(caller: Caller, identity: Form, headers: dict[str, str] | None = None, method: str = "GET") -> dict[str, str]:
    """What a backend is sent for a request of `caller` over a plain route."""
    inside = Inside(InsideKeys(Ed25519PrivateKey.generate()), {"users": identity})
    async with StubService({"/v1/users": 1}) as stub:
        trusted = identity == "headers"
        users = ServiceSettings(instances=[f"http://{stub.address}"], identity=identity, trusted_network=trusted)
        upstreams = Upstreams.of(Settings(services={"users": users}))
        try:
            route = RouteSettings(path="/api/users", service="users", to="/v1/users", methods=["GET", "POST"])
            endpoint = ProxyEndpoint("users", route, upstreams.services["users"], LimitSettings())
            scope = scope_of("/api/users", method, (headers or {}).items())
            request = Request(scope, Peer().receive, monotonic(), id="r-1", caller=caller)
            request.work.tell = inside.of(caller)
            answer: Answer = await endpoint.answer(request)
            assert answer.status == 200
            return dict(stub.seen[-1].headers)
        finally:
            await upstreams.close()


async def test_the_route_tells_who_asks_by_a_token_for_its_service_alone() -> None:
    headers = await asked(ADA, "token", {"x-internal-identity": "canary", "authorization": "Bearer canary"})
    claims = jwt.decode(headers[HEADER], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("7", "users", "users:write")
    assert "authorization" not in headers  # the caller's own token stays here
    assert "canary" not in str(headers)


async def test_a_guests_request_goes_on_as_nobodys() -> None:
    assert "sub" not in jwt.decode((await asked(GUEST, "token"))[HEADER], options={"verify_signature": False})
    assert "x-user-id" not in await asked(GUEST, "headers", {"x-user-id": "canary"})


async def test_the_route_tells_it_in_plain_headers_where_that_is_asked_for() -> None:
    headers = await asked(ADA, "headers", {"x-user-id": "canary", "x-user-tenant": "canary"})
    assert (headers["x-user-id"], headers["x-user-scopes"]) == ("7", "users:write")
    assert "canary" not in str(headers)


@pytest.mark.parametrize(("method", "goes_on"), [("POST", True), ("GET", False)])
async def test_the_key_of_a_write_that_may_be_sent_again_goes_on(method: str, goes_on: bool) -> None:
    headers = await asked(ADA, "none", {"idempotency-key": "k-1"}, method)
    assert headers.get("idempotency-key") == ("k-1" if goes_on else None)
