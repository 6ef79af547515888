"""What is one user's is theirs alone at every demo service that is told who asks (S110 at its last line)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
import grpc.aio
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import json_format, message_factory

from backends.delivery import PROTO
from backends.grpc_service import compiled
from backends.ports import PORTS
from backends.running import Backends
from bff.caller import GUEST, Caller
from bff.identity.inside_keys import InsideKeys
from bff.identity.internal_token import Inside
from bff.inside import HEADER
from bff.testing import StubReply, StubService

KEYS = InsideKeys(Ed25519PrivateKey.generate())
INSIDE = Inside(KEYS, dict.fromkeys(PORTS, "token"))
ADA, BEN = Caller(id="7"), Caller(id="8")

Asking = Callable[..., Awaitable[httpx.Response]]


def word(caller: Caller, service: str) -> dict[str, str]:
    tell = INSIDE.of(caller)
    assert tell is not None
    return dict(tell(service))


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Backends]:
    (tmp_path / "jwks.json").write_bytes(KEYS.document)
    async with Backends.start(free_ports=True, inside=tmp_path / "jwks.json") as running:
        yield running


@pytest.fixture
async def ask(guarded: Backends) -> AsyncIterator[Asking]:
    """`await ask("users", "/users/7", ADA)`; None is somebody who does not come from the gateway."""
    async with httpx.AsyncClient(trust_env=False) as http:

        async def asking(
            service: str, path: str, caller: Caller | None, method: str = "GET", json: object = None
        ) -> httpx.Response:
            headers = word(caller, service) if caller is not None else {}
            return await http.request(method, f"http://{guarded.address(service)}{path}", headers=headers, json=json)

        yield asking


# What is user 7's, by service and path; {order} and {note} are hers.
HERS = [
    ("users", "GET", "/users/7"),
    ("users", "GET", "/users/007"),
    ("users", "GET", "/v2/users/7"),
    ("users", "GET", "/users/7/addresses"),
    ("users", "GET", "/users/7/favourites"),
    ("users", "PATCH", "/users/7"),
    ("orders", "GET", "/orders?user=7"),
    ("orders", "GET", "/orders/active?user=7"),
    ("orders", "GET", "/orders/{order}"),
    ("orders", "GET", "/orders/{order}/lines"),
    ("payments", "GET", "/methods?user=7"),
    ("notifications", "GET", "/notifications?user=7"),
    ("notifications", "POST", "/notifications/{note}/read"),
    ("orders", "POST", "/orders/{order}/cancel"),
]


@pytest.mark.parametrize(("service", "method", "path"), HERS)
async def test_s110_a_users_things_are_missing_for_everybody_else(
    guarded: Backends, ask: Asking, service: str, method: str, path: str
) -> None:
    store = guarded.world.store
    [order] = store.rows("SELECT id FROM orders WHERE user_id = 7 AND status = 'PLACED' LIMIT 1") or store.rows(
        "SELECT id FROM orders WHERE user_id = 7 LIMIT 1"
    )
    [note] = store.rows("SELECT id FROM notifications WHERE user_id = 7 LIMIT 1")
    path = path.format(order=order["id"], note=note["id"])
    body = {"name": "changed"} if method == "PATCH" else None
    before = store.rows("SELECT * FROM users WHERE id = 7"), store.rows("SELECT status FROM orders WHERE user_id = 7")
    for caller, status in ((BEN, 404), (GUEST, 404), (None, 401)):
        answer = await ask(service, path, caller, method, body)
        assert answer.status_code == status
        assert len(answer.content) < 100  # a refusal, and nothing else
    assert (store.rows("SELECT * FROM users WHERE id = 7"), store.rows("SELECT status FROM orders WHERE user_id = 7")) == before
    assert (await ask(service, path, ADA, method, body)).status_code in (200, 409)  # 409: too late to cancel


async def test_another_users_order_is_missing_just_as_one_that_is_not_there(guarded: Backends, ask: Asking) -> None:
    row = guarded.world.store.one("SELECT id FROM orders WHERE user_id = 7")
    assert row is not None
    theirs, none = await ask("orders", f"/orders/{row['id']}", BEN), await ask("orders", "/orders/999999", BEN)
    assert (theirs.status_code, theirs.text.replace(str(row["id"]), "#")) == (404, none.text.replace("999999", "#"))
    assert theirs.headers.keys() == none.headers.keys()


async def test_of_other_users_only_what_stands_beside_their_reviews_is_told(ask: Asking) -> None:
    own, other = (await ask("users", "/users?id=7&id=8", ADA)).json()
    assert own["email"]
    assert own["phone"]
    assert (other["id"], other["email"], other["phone"]) == ("8", "", "")
    assert (await ask("users", "/users?id=7", GUEST)).json()[0]["email"] == ""
    assert (await ask("users", "/users?id=7", None)).status_code == 401


async def test_what_is_nobodys_own_is_told_to_anybody(ask: Asking) -> None:
    for service, path in (
        ("restaurants", "/restaurants/1"),
        ("reviews", "/reviews?restaurant=1"),
        ("notifications", "/banners?audience=GUEST"),
        ("users", "/.well-known/jwks.json"),
    ):
        for caller in (None, GUEST, ADA):
            assert (await ask(service, path, caller)).status_code == 200


async def test_an_order_is_placed_by_who_it_is_for(guarded: Backends, ask: Asking) -> None:
    count = guarded.world.store.rows("SELECT COUNT(*) FROM orders")
    body = {"user_id": "7", "restaurant_id": "1", "lines": [{"dish_id": "1"}], "address": "x"}
    assert (await ask("orders", "/orders", BEN, "POST", body)).status_code == 404
    assert guarded.world.store.rows("SELECT COUNT(*) FROM orders") == count


async def test_a_word_for_another_service_is_nobodys(guarded: Backends) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://{guarded.address('users')}/users/7", headers=word(ADA, "orders"))
        assert answer.status_code == 401


async def test_s110_the_service_that_speaks_grpc_keeps_a_users_deliveries_to_them(guarded: Backends) -> None:
    [row] = guarded.world.store.rows(
        "SELECT order_id FROM deliveries JOIN orders ON orders.id = order_id WHERE user_id = 7 LIMIT 1"
    )
    [service] = compiled(PROTO).services_by_name.values()
    method = service.methods_by_name["Track"]
    request = json_format.ParseDict({"order_id": str(row["order_id"])}, message_factory.GetMessageClass(method.input_type)())
    async with grpc.aio.insecure_channel(guarded.address("delivery")) as channel:
        track: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{service.full_name}/Track")

        async def code(*metadata: tuple[str, str]) -> grpc.StatusCode:
            try:
                assert await track(request.SerializeToString(), metadata=metadata, timeout=5)
            except grpc.aio.AioRpcError as error:
                return error.code()
            return grpc.StatusCode.OK

        ada, ben = ((HEADER, word(who, "delivery")[HEADER]) for who in (ADA, BEN))
        assert await code(ada) is grpc.StatusCode.OK
        assert await code(ben) is grpc.StatusCode.NOT_FOUND
        assert await code() is grpc.StatusCode.UNAUTHENTICATED
        assert await code(ada, ben) is grpc.StatusCode.UNAUTHENTICATED  # two words are none
        assert await code((HEADER, word(ADA, "orders")[HEADER])) is grpc.StatusCode.UNAUTHENTICATED


async def test_services_find_the_gateways_keys_by_its_address() -> None:
    """As the demo does: the backends are there first, and ask the admin listener once they are asked."""
    async with StubService(lambda _: StubReply(KEYS.document)) as admin:
        jwks = f"http://{admin.address}/.well-known/jwks.json"
        async with Backends.start(only=["users"], free_ports=True, inside=jwks) as backends:
            assert admin.counters.calls == 0
            async with httpx.AsyncClient(trust_env=False) as http:
                for caller, status in ((ADA, 200), (BEN, 404)):
                    url = f"http://{backends.address('users')}/users/7"
                    assert (await http.get(url, headers=word(caller, "users"))).status_code == status
            assert admin.counters.calls == 1
