"""What a caller's rights hide is nowhere, and nobody gives themselves rights (S111, S112)."""

import json

import pytest

from tests.security.kit import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOWN = ["profile", "orders:read"]
HIDING = [*SHOWN, "payments:read"]
# Each what the account and the history show of payments: the last digits of user 7's cards, and how an order was paid.
CARDS = ("5568", "8743")
PLACES = {
    "REST": ("GET", "/mobile/v1/account", None),
    "REST, on the web": ("GET", "/web/v1/account", None),
    "REST, that section alone": ("GET", "/mobile/v1/account?sections=paymentMethods", None),
    "REST, that field alone": ("GET", "/mobile/v1/account?fields=paymentMethods.last4", None),
    "GraphQL": ("POST", "/mobile/graphql", "{ account { profile { name } paymentMethods { last4 label } } }"),
    "GraphQL, under another name": ("POST", "/mobile/graphql", "{ a: account { profile: paymentMethods { name: last4 } } }"),
    "GraphQL, through a fragment": (
        "POST",
        "/mobile/graphql",
        "query { account { ...x } } fragment x on Account { paymentMethods { last4 } }",
    ),
}


@pytest.mark.parametrize("place", PLACES, ids=[f"S112 {place}" for place in PLACES])
async def test_what_a_role_may_not_see_is_nowhere(door: Door, place: str) -> None:
    """First somebody who may, so that whatever is kept of the answer is there; then the same user without the right."""
    whole, _ = await _ask(door, place, HIDING)
    assert any(card in whole for card in CARDS), whole
    door.product.reset()
    cut, request_id = await _ask(door, place, SHOWN)
    assert not any(card in cut for card in CARDS)
    assert "Visa" not in cut
    assert door.product.calls()["payments"] == 0, "hidden means never asked for"
    told = json.dumps(await door.lines(request_id))
    assert not any(card in told for card in CARDS)


async def _ask(door: Door, place: str, scopes: list[str]) -> tuple[str, str]:
    method, path, query = PLACES[place]
    token = door.product.backends.world.tokens.sign("7", scopes)
    body = None if query is None else json.dumps({"query": query})
    answer = await door.ask(method, path, token=token, headers={"content-type": "application/json"}, content=body)
    return answer.text, answer.headers["x-request-id"]


async def test_s112_a_failure_beside_a_hidden_section_tells_nothing_of_it(door: Door) -> None:
    token = door.product.backends.world.tokens.sign("7", SHOWN)
    answer = await door.ask("GET", "/mobile/v1/orders?limit=1", token=token)
    assert answer.json()["meta"]["sections"]["orders.items.payment"] == {"status": "forbidden", "reason": "scope"}
    assert answer.json()["data"]["orders"]["items"][0]["payment"] is None
    assert door.product.calls()["payments"] == 0


ORDER = {
    "restaurantId": "418",
    "items": [{"dishId": "1", "quantity": 1}],
    "address": "Turmstraße 117, 10999 Berlin",
    "paymentMethod": "13",
    "instructions": "",
}
GRABBED: dict[str, object] = {
    "role": "admin", "userId": "8", "user_id": "8", "caller": {"id": "8"}, "scopes": ["admin"], "total": 1, "price": 0,
    "fees": 0, "status": "DELIVERED", "paid": True, "tenant": "other", "once": "k", "isAdmin": True, "__proto__": {"role": "x"},
}  # fmt: skip


@pytest.mark.parametrize("member", GRABBED, ids=[f"S111 {member}" for member in GRABBED])
async def test_a_member_that_an_action_does_not_take_is_refused(door: Door, member: str) -> None:
    """At the top and inside an item: named in the one 422, and nothing is called."""
    token = door.product.backends.world.tokens.sign("7", ["orders:write"])
    inside = {**ORDER, "items": [{"dishId": "1", "quantity": 1, member: GRABBED[member]}]}
    for number, body in enumerate(({**ORDER, member: GRABBED[member]}, inside)):
        headers = {"content-type": "application/json", "idempotency-key": f"grab-{member}-{number}"}
        answer = await door.ask("POST", "/mobile/v1/orders", token=token, headers=headers, content=json.dumps(body))
        await door.refused(answer, 422, "bad-input")
        assert member in answer.text


async def test_s111_what_a_token_does_not_say_no_header_and_no_query_says(door: Door) -> None:
    token = door.product.backends.world.tokens.sign("7", ["profile"])
    claimed = {"x-scopes": "orders:read", "x-role": "admin", "x-user-scopes": "orders:read", "scope": "orders:read"}
    answer = await door.ask("GET", "/mobile/v1/orders?scope=orders:read&role=admin", token=token, headers=claimed)
    assert answer.status_code in (403, 422)
    assert door.reached == 0
