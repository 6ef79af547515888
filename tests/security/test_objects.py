"""User A asks for what is B's: by id, in lists, through REST and GraphQL, through every app; not a byte of it comes (S110).

Two lines hold it. A composer asks for the caller's own things alone; and if one forgets to, the service itself refuses,
by the gateway's word of who asks. The second half takes the composers away and asks the services' way in directly.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from backends.ports import PORTS
from bff.inside import HEADER, NotInside, Verifier
from tests.security.kit import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCOPES = ("profile", "orders:read", "orders:write", "payments:read", "reviews:write")
ADA, BEN = "7", "8"
# What a client may try so as to pass for somebody else.
FORGED = [
    [("X-User-Id", ADA)],
    [("x-uSER-iD", ADA), ("X-User-Id", ADA)],
    [("X_User_Id", ADA)],
    [("X-Internal-Identity", "{stolen}")],
    [("X-Internal-Identity", "{forged}")],
    [("Connection", "x-internal-identity"), ("X-Internal-Identity", "{stolen}")],
    [("X-Original-User", ADA), ("X-Forwarded-User", ADA), ("X-Authenticated-User", ADA)],
]


@dataclass
class Hers:
    """What is Ada's, and words that stand nowhere but in it."""

    order: str
    address: str
    email: str
    phone: str
    street: str

    def words(self) -> Iterator[bytes]:
        for text in (self.address, self.email, self.phone, self.street):
            assert len(text) > 4
            yield text.encode()


@pytest_asyncio.fixture(loop_scope="module")
async def hers(door: Door) -> Hers:
    store = door.product.backends.world.store
    user = store.one("SELECT email, phone FROM users WHERE id = 7")
    order = store.one("SELECT id, address FROM orders JOIN deliveries ON order_id = id WHERE user_id = 7 ORDER BY id DESC")
    home = store.one("SELECT street FROM addresses WHERE user_id = 7")
    assert user is not None
    assert order is not None
    assert home is not None
    return Hers(str(order["id"]), order["address"], user["email"], user["phone"], home["street"])


def token_of(door: Door, user: str) -> str:
    return door.product.backends.world.tokens.sign(user, SCOPES)


async def graphql(door: Door, app: str, query: str, user: str, headers: list[tuple[str, str]] | None = None) -> httpx.Response:
    more = [("content-type", "application/json"), *(headers or ())]
    body = httpx.Request("POST", "http://x", json={"query": query}).content
    return await door.ask("POST", f"/{app}/graphql", headers=more, content=body, token=token_of(door, user))


def hides(answer: httpx.Response, hers: Hers) -> None:
    whole = answer.content + str(answer.headers).encode()
    for word in hers.words():
        assert word not in whole


# The way of a client: apps and routes


@pytest.mark.parametrize("app", ["mobile", "web"])
async def test_s110_anothers_order_by_its_id_is_missing_as_one_that_is_not_there(door: Door, hers: Hers, app: str) -> None:
    theirs = await door.ask("GET", f"/{app}/v1/orders/{hers.order}/tracking", token=token_of(door, ADA))
    assert (theirs.status_code, theirs.json()["data"]["order"]["address"]) == (200, hers.address)
    answers = [
        await door.ask("GET", f"/{app}/v1/orders/{order}/tracking", token=token_of(door, BEN))
        for order in (hers.order, "99999999")
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
        hides(answer, hers)
    first, second = ({**one.json(), "requestId": "", "traceId": "", "instance": ""} for one in answers)
    assert first == second  # nobody learns which orders there are


@pytest.mark.parametrize("app", ["mobile", "web"])
async def test_s110_anothers_order_is_missing_in_graphql_too(door: Door, hers: Hers, app: str) -> None:
    query = f'{{ tracking(orderId: "{hers.order}") {{ order {{ id address }} lines {{ name }} delivery {{ status }} }} }}'
    own = (await graphql(door, app, query, ADA)).json()
    assert own["data"]["tracking"]["order"]["address"] == hers.address
    answer = await graphql(door, app, query, BEN)
    hides(answer, hers)
    told: dict[str, Any] = answer.json()
    assert told["data"]["tracking"] is None
    assert told["errors"]


@pytest.mark.parametrize("path", ["/mobile/v1/home", "/web/v1/home", "/mobile/v1/orders?limit=50", "/web/v1/account"])
async def test_s110_lists_hold_the_callers_own_alone(door: Door, hers: Hers, path: str) -> None:
    theirs, own = [await door.ask("GET", path, token=token_of(door, user)) for user in (ADA, BEN)]
    assert (theirs.status_code, own.status_code) == (200, 200)
    assert theirs.content != own.content
    hides(own, hers)
    assert f'"{hers.order}"' not in own.text


@pytest.mark.parametrize("query", ["user=7", "userId=7", "user_id=7", "caller=7"])
async def test_s110_no_parameter_says_for_whom(door: Door, hers: Hers, query: str) -> None:
    answer = await door.ask("GET", f"/mobile/v1/orders?{query}", token=token_of(door, BEN))
    hides(answer, hers)
    assert answer.status_code == 422


@pytest.mark.parametrize("headers", FORGED, ids=lambda headers: " ".join(name for name, _ in headers))
async def test_s110_nothing_that_a_client_says_of_itself_opens_anothers_things(
    door: Door, hers: Hers, headers: list[tuple[str, str]]
) -> None:
    """S062-S066, from the client to the backend's own verdict."""
    product = door.product
    await door.ask("GET", "/mobile/v1/account", token=token_of(door, ADA))
    stolen = product.backends.stub("users").seen[-1].headers[HEADER]  # Ada's own, good for another half minute
    words = {"{stolen}": stolen, "{forged}": stolen.rpartition(".")[0] + ".AAAA"}
    product.reset()
    for path in ("/mobile/v1/account", f"/mobile/v1/orders/{hers.order}/tracking"):
        sent = [(name, words.get(value, value)) for name, value in headers]
        answer = await door.ask("GET", path, headers=sent, token=token_of(door, BEN))
        hides(answer, hers)
    for name in PORTS:
        for seen in product.backends.stub(name).seen:
            if HEADER in seen.headers:
                assert seen.headers[HEADER] != stolen
            assert not [header for header in seen.headers if header.startswith(("x-user", "x_", "x-original", "x-forwarded-u"))]


async def test_s110_the_answers_of_two_users_in_turn_and_at_once_are_their_own(door: Door, hers: Hers) -> None:
    """No cache, no coalescing and no batch keeps one's answer for the other."""
    tokens = {user: token_of(door, user) for user in (ADA, BEN)}
    asked = [user for _ in range(40) for user in (ADA, BEN)]
    answers = await asyncio.gather(*(door.ask("GET", "/mobile/v1/account", token=tokens[user]) for user in asked))
    for user, answer in zip(asked, answers, strict=True):
        if answer.status_code == 200:  # 429 and 503 say nothing of anybody
            assert answer.json()["data"]["profile"]["id"] == user
        if user == BEN:
            hides(answer, hers)
    assert sum(answer.status_code == 200 for answer in answers) > 40


# The way of a composer that forgot whose it is: the services themselves


def word(door: Door, service: str) -> str:
    """The last word of the gateway that this service heard."""
    return next(seen.headers[HEADER] for seen in reversed(door.product.backends.stub(service).seen) if HEADER in seen.headers)


async def test_each_service_hears_who_asks_in_a_word_for_it_alone(door: Door, hers: Hers) -> None:
    await door.ask("GET", "/mobile/v1/account", token=token_of(door, BEN))
    await door.ask("GET", "/mobile/v1/home", token=token_of(door, BEN))
    await door.ask("GET", f"/mobile/v1/orders/{hers.order}/tracking", token=token_of(door, BEN))
    jwks = (await door.product.http.get(f"{door.product.admin}/.well-known/jwks.json")).content
    assert b'"d"' not in jwks
    heard = {name: word(door, name) for name in ("users", "orders", "payments", "notifications")}
    for name, value in heard.items():
        verifier = Verifier(f"{door.product.admin}/.well-known/jwks.json", name)
        found = await verifier.averify(value)
        assert (found.id, found.app, found.scopes) == (BEN, "mobile", frozenset(SCOPES))
        for other in heard.keys() - {name}:
            with pytest.raises(NotInside):
                await verifier.averify(heard[other])
        assert not [seen for seen in door.product.backends.stub(name).seen if "authorization" in seen.headers]


@pytest.mark.parametrize("path", ["/orders/{order}", "/orders/{order}/lines", "/orders?user=7", "/orders/active?user=7"])
async def test_s110_the_service_refuses_what_a_composer_would_have_let_pass(door: Door, hers: Hers, path: str) -> None:
    await door.ask("GET", "/mobile/v1/orders", token=token_of(door, BEN))
    backends = door.product.backends
    url = f"http://{backends.address('orders')}{path.format(order=hers.order)}"
    for headers, status in (({HEADER: word(door, "orders")}, 404), ({}, 401), ({"x-user-id": ADA}, 401)):
        answer = await door.product.http.get(url, headers=headers)
        assert answer.status_code == status
        hides(answer, hers)


async def test_the_services_that_know_users_all_ask_for_the_gateways_word(door: Door) -> None:
    paths = {
        "users": "/users/7",
        "orders": "/orders?user=7",
        "payments": "/methods?user=7",
        "notifications": "/notifications?user=7",
    }
    for name, path in paths.items():
        answer = await door.product.http.get(f"http://{door.product.backends.address(name)}{path}")
        assert answer.status_code == 401, name
