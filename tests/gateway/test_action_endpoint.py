"""Actions behind the gateway, in REST and GraphQL: refused before they begin, done once and to the end, undone if they fail."""

import asyncio
from collections.abc import Mapping

import pytest

from bff.faces.graphql_schema import schema_of
from bff.faces.json_body import MAX_DEPTH
from bff.faces.problems import Problem
from bff.gateway.action_endpoint import MAX_BODY
from bff.gateway.quota import Quota
from bff.gateway.request import Request
from bff.state.store import StateUnavailable
from bff.testing import StubReply, StubRequest
from tests.gateway.action_kit import SHOP, Kit, bearer, gateway, order
from tests.gateway.kit import Peer

MUTATION = "mutation($items: [ItemInput!]!) { placeOrder(restaurantId: %s, items: $items) { orderId total } }"


async def until(what: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await what.wait()


class Gate:
    """Holds a backend's answers back until it is opened."""

    def __init__(self, kit: Kit, what: str) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self._kit, self._what = kit, what
        kit.backends.instead[what] = self.answer

    async def answer(self, request: StubRequest) -> StubReply:
        self.reached.set()
        await self.opened.wait()
        return StubReply.json(self._kit.backends.answer(self._what, request))


async def test_an_action_answers_in_a_screens_envelope_with_its_own_status() -> None:
    async with gateway() as kit:
        reply = await kit.order()
    assert reply.status == 201
    item = {"dishId": "d1", "quantity": 2, "note": None, "size": "SMALL"}
    assert reply.json == {
        "data": {"orderId": "order-1", "total": 1, "note": None, "items": [item]},
        "meta": {"complete": True, "sections": {}},
    }
    assert "idempotency-replayed" not in reply.headers
    assert kit.line["calls"] == 2
    assert kit.line["path"] == "/shop/v1/orders"


async def test_a_read_and_a_change_of_one_path_are_two_endpoints() -> None:
    async with gateway() as kit:
        assert (await kit.ask("/shop/v1/orders", method="GET")).json["data"] == {"name": 0}
        wrong = await kit.ask("/shop/v1/orders", method="DELETE")
        assert (wrong.problem, wrong.headers["allow"]) == ("method-not-allowed", "GET, HEAD, POST")


async def test_path_parameters_are_inputs_and_a_body_may_be_left_out_where_none_is_needed() -> None:
    async with gateway() as kit:
        assert (await kit.ask("/shop/v1/orders/7/cancel")).json["data"]["orderId"] == "7"
        assert (await kit.ask("/shop/v1/orders/7/cancel", b"{}")).status == 200
        bad = await kit.ask("/shop/v1/orders/seven/cancel", {"role": "admin"})
        assert [fault["name"] for fault in bad.json["errors"]] == ["orderId", "role"]
        assert (await kit.ask("/shop/v1/orders/7/cancel", b"x", headers={"content-type": "text/plain"})).status == 415


# Refused before anything is called.


async def test_all_faults_of_headers_path_query_and_body_are_in_one_document() -> None:
    async with gateway() as kit:
        body = order(items=[{"dishId": 1, "quantity": 0, "role": "admin"}, {}], note="x" * 21, role="admin")
        reply = await kit.ask("/shop/v1/orders?debug=1", body, key="k", headers={"request-timeout": "soon"})
        assert reply.problem == "bad-input"
        assert {fault["name"] for fault in reply.json["errors"]} == {
            *(
                "Request-Timeout",
                "debug",
                "items.0.dishId",
                "items.0.quantity",
                "items.0.role",
                "items.1.dishId",
                "note",
                "role",
            ),
        }
        assert not kit.backends.asked


async def test_a_bad_header_alone_is_a_bad_request() -> None:
    async with gateway() as kit:
        assert (await kit.order(headers={"request-timeout": "0"})).problem == "bad-request"
        assert not kit.backends.asked


async def test_faults_are_told_up_to_a_number() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/orders", {f"x{number}": 1 for number in range(4000)}, key="k")
        assert reply.status == 422
        assert len(reply.json["errors"]) == 51
        assert len(reply.body) < 8_000


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=utf-16"])
async def test_s057_a_body_of_another_type_is_refused(media: str) -> None:
    async with gateway() as kit:
        assert (await kit.order(headers={"content-type": media})).problem == "unsupported-media-type"
        assert not kit.backends.asked


NESTED = b'{"restaurantId":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}"
UNREADABLE = {
    "S105 deep": b"[" * 1100 + b"]" * 1100,
    "S105 one level too deep": NESTED,
    "S107 NaN": b'{"restaurantId":NaN}',
    "S107 Infinity": b'{"restaurantId":-Infinity}',
    "S107 a lone surrogate": b'{"restaurantId":"\\ud800"}',
    "S107 a name twice": b'{"restaurantId":"a","restaurantId":"b"}',
    "S107 a name twice below": b'{"items":[{"dishId":"a","dishId":"b"}]}',
    "a name twice, once escaped": b'{"restaurantId":"a","\\u0072estaurantId":"b"}',
    "no UTF-8": b'{"restaurantId":"\xff"}',
    "a mark before it": b'\xef\xbb\xbf{"restaurantId":"a"}',
    "a list": b"[]",
    "nothing": b"",
    "more than one": b"{}{}",
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_body_that_could_be_read_in_two_ways_is_refused_in_rest_and_graphql_alike(case: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/orders", UNREADABLE[case], key="k", headers={"content-type": "application/json"})
        assert reply.problem == "bad-request", reply.body
        reply = await kit.ask("/shop/graphql", UNREADABLE[case], headers={"content-type": "application/json"})
        assert reply.problem == "bad-request"
        assert not kit.backends.asked


async def test_s106_a_large_list_is_refused_by_its_size_and_a_smaller_one_in_little_time() -> None:
    async with gateway() as kit:
        body = b'{"restaurantId":"r","items":[' + b"1," * 10_000_000 + b"1]}"
        assert (await kit.ask("/shop/v1/orders", body, key="k")).problem == "too-large"
        body = b'{"restaurantId":"r","items":[' + b"{}," * 20_000 + b"{}]}"
        began = asyncio.get_running_loop().time()
        reply = await kit.ask("/shop/v1/orders", body, key="k")
        assert reply.status == 422
        assert len(reply.json["errors"]) == 1
        assert asyncio.get_running_loop().time() - began < 2.0
        assert not kit.backends.asked
    assert MAX_BODY < 1024 * 1024


async def test_who_may_not_do_it_is_refused_in_both_faces() -> None:
    query = MUTATION % '"r1"'
    items = {"query": query, "variables": {"items": [{"dishId": "d"}]}}
    async with gateway() as kit:
        assert (await kit.order(guest=True)).problem == "unauthenticated"
        assert (await kit.order(headers=bearer("orders:read"))).problem == "forbidden"
        guest = await kit.ask("/shop/graphql", items, key="k", guest=True)
        assert guest.json["errors"][0]["extensions"]["status"] == 401
        other = await kit.ask("/shop/graphql", items, key="k", headers=bearer("orders:read"))
        assert other.json["errors"][0]["extensions"]["type"] == "/problems/forbidden"
        assert not kit.backends.asked


# Done once.


async def test_a_request_sent_again_gets_the_first_answer_and_nothing_is_done_twice() -> None:
    async with gateway() as kit:
        first, again = await kit.order(), await kit.order()
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers["idempotency-replayed"] == "true"
        assert (len(kit.backends.charged), len(kit.backends.orders)) == (1, 1)
        assert (await kit.order("another")).json["data"]["orderId"] == "order-2"


async def test_the_same_inputs_written_otherwise_are_the_same_request() -> None:
    async with gateway() as kit:
        await kit.order()
        spaced = b'{ "items": [{"quantity": 2, "dishId": "d1", "size": "SMALL"}], "note": "", "restaurantId": "r1" }'
        assert (await kit.ask("/shop/v1/orders", spaced, key="k-1")).headers["idempotency-replayed"] == "true"


async def test_another_request_under_the_same_key_is_a_conflict() -> None:
    async with gateway() as kit:
        await kit.order()
        reply = await kit.order(restaurant="r2")
        assert reply.problem == "conflict"
        assert "retry-after" not in reply.headers
        assert len(kit.backends.orders) == 1


async def test_a_key_belongs_to_its_caller_its_tenant_and_its_action() -> None:
    async with gateway() as kit:
        await kit.order()
        other = await kit.order(headers=bearer(sub="user-8"))
        assert (other.status, other.json["data"]["orderId"]) == (201, "order-2")
        assert len(set(kit.backends.charged)) == 2


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "\xe9"])
async def test_a_key_is_a_word(key: str) -> None:
    async with gateway() as kit:
        assert (await kit.order(key=key)).problem == "bad-request"
        assert (await kit.order(key=None)).problem == "bad-request"  # type: ignore[arg-type]  # none is sent
        assert not kit.backends.asked


async def test_fifty_at_once_with_one_key_are_one_order() -> None:
    async with gateway() as kit:
        gate = Gate(kit, "POST charges")
        asked = [asyncio.create_task(kit.order()) for _ in range(50)]
        await until(gate.reached)
        busy, _ = await asyncio.wait(asked, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        while len(busy) < 49:
            done, _ = await asyncio.wait(set(asked) - busy, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            assert done, "only one may wait for the backend"
            busy |= done
        gate.opened.set()
        replies = await asyncio.gather(*asked)
        assert sorted(reply.status for reply in replies) == [201] + [409] * 49
        assert {reply.headers["retry-after"] for reply in replies if reply.status == 409} == {"10"}
        assert (len(kit.backends.charged), len(kit.backends.orders)) == (1, 1)
        assert (await kit.order()).headers["idempotency-replayed"] == "true"


class Down:
    """A store that cannot be reached; with `after`, only from its so-manieth command on."""

    shared = True

    async def get(self, key: str) -> bytes | None:
        raise StateUnavailable("down")

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        raise StateUnavailable("down")

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        raise StateUnavailable("down")

    async def swap(self, key: str, expected: bytes, value: bytes | None, ttl: float) -> bool:
        raise StateUnavailable("down")

    async def delete(self, key: str) -> None:
        raise StateUnavailable("down")

    async def start(self) -> None: ...

    async def close(self) -> None: ...


async def test_without_the_store_nothing_is_called() -> None:
    async with gateway(Down()) as kit:
        reply = await kit.order()
        assert (reply.problem, reply.headers["retry-after"]) == ("backend-unavailable", "1")
        assert not kit.backends.asked
        assert (await kit.ask("/shop/v1/orders/7/cancel")).status == 200  # one that keeps nothing


class LostResults(Down):
    """A store that takes claims and cannot be reached when there is a result to keep."""

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        return True


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway(LostResults()) as kit:
        assert (await kit.order()).status == 201
    assert "could not be kept" in caplog.text


# Undone.


async def test_a_refusal_behind_a_payment_gives_the_payment_back_and_is_final() -> None:
    async with gateway() as kit:
        reply = await kit.order(restaurant="full")
        assert (reply.problem, reply.json["detail"], reply.json["undone"]) == ("conflict", "the kitchen is full", ["payment"])
        assert kit.backends.refunded == kit.backends.charged
        again = await kit.order(restaurant="full")
        assert (again.problem, again.headers["idempotency-replayed"]) == ("conflict", "true")
        assert len(kit.backends.charged) == 1


async def test_a_refused_input_is_told_as_one() -> None:
    async with gateway() as kit:
        reply = await kit.order(restaurant="closed")
        assert (reply.problem, reply.json["errors"]) == ("bad-input", [{"name": "restaurantId", "detail": "is closed"}])


async def test_a_backend_that_fails_behind_a_payment_has_it_given_back_and_the_same_key_orders_anew() -> None:
    async with gateway() as kit:
        kit.backends.instead["POST orders"] = lambda _: StubReply(status=503, headers=(("Retry-After", "7"),))
        reply = await kit.order()
        assert reply.status == 502  # as a section that it fails
        assert (reply.json["step"], reply.json["service"], reply.json["undone"]) == ("order", "orders", ["payment"])
        assert kit.backends.refunded == kit.backends.charged
        kit.backends.instead.clear()
        again = await kit.order()
        assert again.status == 201
        assert "idempotency-replayed" not in again.headers
        first, second = kit.backends.charged
        assert first != second, "what was given back must not be taken for paid"


async def test_a_bug_is_told_as_nothing_but_a_bug_and_undoes_what_was_done() -> None:
    async with gateway() as kit:
        reply = await kit.order(restaurant="bug")
        assert (reply.problem, b"secret" in reply.body) == ("internal", False)
        assert kit.backends.refunded == kit.backends.charged


async def test_what_cannot_be_undone_is_told_to_the_client_the_log_and_the_access_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with gateway() as kit:
        kit.backends.instead["DELETE charges"] = lambda _: StubReply(status=500)
        reply = await kit.order(restaurant="full")
        assert (reply.status, reply.problem, reply.json["left"]) == (502, "incomplete", ["payment"])
        assert kit.line["refused"] == "incomplete: payment"
        told = caplog.text
        assert all(word in told for word in ("placeOrder", reply.headers["x-request-id"], "payment", "incomplete"))
        again = await kit.order(restaurant="full")
        assert (again.problem, again.headers["idempotency-replayed"]) == ("incomplete", "true")
        assert len(kit.backends.charged) == 1


async def test_a_payment_that_may_have_been_made_is_given_back_too() -> None:
    async with gateway() as kit:
        gate = Gate(kit, "POST charges")
        reply = await kit.order(headers={"request-timeout": "150"})
        assert (reply.problem, reply.json["step"], reply.json["undone"]) == ("backend-timeout", "payment", ["payment"])
        assert len(kit.backends.refunded) == 1
        gate.opened.set()


async def test_a_payment_that_was_certainly_not_made_is_not_given_back() -> None:
    async with gateway() as kit:
        kit.backends.instead["POST charges"] = lambda _: StubReply(status=409)
        reply = await kit.order()
        assert reply.status == 502
        assert "undone" not in reply.json
        assert not kit.backends.refunded


# To the end.


async def test_a_client_that_goes_does_not_stop_a_change_under_way() -> None:
    async with gateway() as kit:
        gate = Gate(kit, "POST charges")
        peer = Peer([b'{"restaurantId":"r1","items":[{"dishId":"d1","quantity":2}]}'])
        asking = asyncio.create_task(kit.order(peer=peer))
        await until(gate.reached)
        peer.gone.set()
        asking.cancel()  # worse than any server does
        with pytest.raises(asyncio.CancelledError):
            await asking
        gate.opened.set()
        await kit.writes.close(10.0)
        assert len(kit.backends.orders) == 1
        assert (await kit.order()).headers["idempotency-replayed"] == "true"


async def test_a_process_that_ends_waits_for_changes_and_says_what_it_stops(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway() as kit:
        gate = Gate(kit, "POST orders")
        asking = asyncio.create_task(kit.order(headers={"x-request-id": "r-9"}))
        await until(gate.reached)
        await kit.writes.close(0.05)
        assert len(kit.writes) == 0
        assert "placeOrder, request r-9, was stopped; left as they are: payment" in caplog.text
        asking.cancel()
        await asyncio.wait([asking])
        gate.opened.set()


async def test_a_process_that_ends_while_it_undoes_says_what_it_perhaps_leaves(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway() as kit:
        gate = Gate(kit, "DELETE charges")
        asking = asyncio.create_task(kit.order(restaurant="full", headers={"x-request-id": "r-9"}))
        await until(gate.reached)
        await kit.writes.close(0.05)
        assert "placeOrder, request r-9, was stopped while it was undone; perhaps left: payment" in caplog.text
        asking.cancel()
        await asyncio.wait([asking])
        gate.opened.set()


# GraphQL.


async def test_a_mutation_does_what_rest_does_and_shapes_the_answer() -> None:
    async with gateway() as kit:
        reply = await kit.graphql_of(MUTATION % '"r1"', "k", items=[{"dishId": "d", "size": "LARGE"}])
        assert reply.json["data"] == {"placeOrder": {"orderId": "order-1", "total": 1}}
        assert reply.json["extensions"] == {"complete": True, "sections": {}}
        again = await kit.graphql_of(MUTATION % '"r1"', "k", items=[{"dishId": "d", "size": "LARGE"}])
        assert (again.body, again.headers["idempotency-replayed"]) == (reply.body, "true")
        assert len(kit.backends.orders) == 1


async def test_two_aliases_are_two_orders_one_after_the_other() -> None:
    query = """mutation($items: [ItemInput!]!) {
        a: placeOrder(restaurantId: "r1", items: $items) { orderId }
        full: placeOrder(restaurantId: "full", items: $items) { orderId }
        b: placeOrder(restaurantId: "r1", items: $items) { orderId }
    }"""
    async with gateway() as kit:
        reply = await kit.graphql_of(query, "k", items=[{"dishId": "d"}])
        assert reply.json["data"] == {"a": {"orderId": "order-1"}, "full": None, "b": {"orderId": "order-2"}}
        (error,) = reply.json["errors"]
        assert (error["path"], error["extensions"]["status"], error["extensions"]["undone"]) == (["full"], 409, ["payment"])
        again = await kit.graphql_of(query, "k", items=[{"dishId": "d"}])
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json["data"] == reply.json["data"]
        assert len(kit.backends.orders) == 2


async def test_the_faults_of_a_mutations_inputs_are_those_of_rest() -> None:
    async with gateway() as kit:
        reply = await kit.graphql_of(MUTATION % '"r1"', "k", items=[{"dishId": "d", "quantity": 0}] * 4)
        rest = await kit.ask("/shop/v1/orders", order(items=[{"dishId": "d", "quantity": 0}] * 4), key="k")
        assert reply.json["errors"][0]["extensions"]["errors"] == rest.json["errors"]
        assert reply.json["data"] == {"placeOrder": None}
        unknown = await kit.graphql_of(MUTATION % '"r1"', "k", items=[{"dishId": "d", "role": "admin"}])
        assert "data" not in unknown.json  # S111: the schema has no such member
        assert not kit.backends.asked


async def test_the_schema_says_which_mutations_need_a_key() -> None:
    async with gateway() as kit:
        told = schema_of(SHOP, [kit.screen], lambda: None, kit.served).as_str()
    mutations = told[told.index("type Mutation") :].split("\n}")[0]
    before, after = mutations.split("placeOrder(")
    assert "Idempotency-Key" in before.rpartition(")")[2]
    assert "Idempotency-Key" not in after


async def test_a_mutation_without_its_key_is_refused() -> None:
    async with gateway() as kit:
        reply = await kit.graphql_of(MUTATION % '"r1"', None, items=[{"dishId": "d"}])
        assert reply.json["errors"][0]["extensions"]["type"] == "/problems/bad-request"
        assert not kit.backends.asked


async def test_s060_a_mutation_by_get_is_refused() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/graphql?query=mutation%7BcancelOrder(orderId:7)%7BorderId%7D%7D", method="GET")
        assert (reply.problem, reply.headers["allow"]) == ("method-not-allowed", "POST")


class Counted(Quota):
    """Says no to more than two of anything, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Mapping[str, int]] = []

    async def charge(self, request: Request, targets: Mapping[str, int] | None = None) -> None:
        if targets is not None:
            self.seen.append(targets)
            if max(targets.values()) > 2:
                raise Problem("quota-exceeded", "too many", headers=[(b"retry-after", b"9")])


async def test_s144_each_alias_of_an_operation_is_charged_before_anything_runs() -> None:
    async with gateway() as kit:
        kit.graphql.quota = quota = Counted()
        three = " ".join(f"a{number}: cancelOrder(orderId: {number}) {{ orderId }}" for number in range(3))
        reply = await kit.graphql_of(f"mutation {{ {three} }}")
        assert (reply.problem, reply.headers["retry-after"]) == ("quota-exceeded", "9")
        await kit.graphql_of("{ page { name } again: page { name } __typename }")
        assert quota.seen == [{"shop/cancelOrder": 3, "shop/graphql": 1}, {"shop/page": 2, "shop/graphql": 1}]


async def test_what_was_read_before_a_mutation_is_read_anew_in_it() -> None:
    async with gateway() as kit:
        two = " ".join(f'{name}: rename(orderId: "7", name: "x") {{ total note }}' for name in "ab")
        first = await kit.graphql_of(f"mutation {{ {two} }}")
        assert first.json["data"]["a"]["total"] == first.json["data"]["b"]["total"] == 1
        assert first.json["data"]["a"]["note"] == "a0 a1", "what was batched before a write is asked for anew after it"
        assert first.json["data"]["b"]["note"].startswith("a1"), "a mutation reads nothing that was read before it"
