"""Actions through FastAPI and through the dispatcher answer alike; the document says what they take and may answer."""

from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from fastapi.requests import Request as HttpRequest
from pydantic import TypeAdapter

from bff.faces.openapi import openapi
from bff.faces.openapi_models import Problem as ProblemDocument
from bff.faces.rest import fastapi_app
from bff.gateway.action_endpoint import ActionEndpoint, raw_of
from bff.gateway.request import Request
from bff.settings import LimitSettings
from tests.faces.rest_gateway import call, request_scope
from tests.gateway.action_kit import CALLER, SHOP, Kit, gateway, order
from tests.gateway.kit import Peer, Reply, scope_of

Document = dict[str, Any]


def document(kit: Kit) -> Document:
    return openapi(SHOP, [kit.screen], kit.served)


def post(found: Document, path: str, method: str = "post") -> Document:
    return dict(found["paths"][path][method])


async def test_the_document_has_each_action_with_its_body_and_its_key() -> None:
    async with gateway() as kit:
        found = document(kit)
    assert list(found["paths"]["/shop/v1/orders"]) == ["get", "post"]
    placed = post(found, "/shop/v1/orders")
    assert placed["requestBody"]["required"] is True
    body = placed["requestBody"]["content"]["application/json"]["schema"]
    schema = found["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert (schema["required"], schema["additionalProperties"]) == (["restaurantId", "items"], False)
    assert schema["properties"]["items"]["maxItems"] == 3
    keys = {parameter["name"]: parameter["required"] for parameter in placed["parameters"]}
    assert keys == {"Idempotency-Key": True, "Request-Timeout": False}
    assert placed["security"] == [{"bearer": ["orders:write"]}]
    cancel = post(found, "/shop/v1/orders/{orderId}/cancel")
    assert "requestBody" not in cancel
    assert [parameter["name"] for parameter in cancel["parameters"]] == ["orderId", "Request-Timeout"], (
        "its key would be nothing"
    )
    replays = {
        name: "Idempotency-Replayed" in one["responses"][status]["headers"]
        for name, one, status in (("placed", placed, "201"), ("cancel", cancel, "200"))
    }
    assert replays == {"placed": True, "cancel": False}
    assert post(found, "/shop/v1/orders/{orderId}", "patch")["security"][0] == {}


async def test_every_status_of_an_action_is_documented() -> None:
    async with gateway() as kit:
        placed = post(document(kit), "/shop/v1/orders")
    others = [400, 401, 402, 403, 404, 406, 408, 409, 413, 414, 415, 421, 422, 429, 431, 500, 502, 503, 504]
    assert sorted(placed["responses"]) == sorted(map(str, [201, *others]))


async def test_every_reference_of_the_document_leads_somewhere() -> None:
    async with gateway() as kit:
        found = document(kit)
    names = {word.split('"')[0] for word in orjson.dumps(found).decode().split("#/components/schemas/")[1:]}
    assert names <= set(found["components"]["schemas"])
    assert {"ItemInput", "Item", "PlaceOrderInput", "PlaceOrderAnswer"} <= names


async def test_the_document_is_the_same_every_time() -> None:
    async with gateway() as kit:
        assert orjson.dumps(document(kit)) == orjson.dumps(document(kit))


async def test_problems_of_actions_are_as_they_are_documented() -> None:
    problems = TypeAdapter(ProblemDocument)
    async with gateway() as kit:
        kit.backends.instead["DELETE charges"] = lambda _: (_ for _ in ()).throw(ConnectionError)  # a 500 of the stub
        for reply in (
            await kit.order("a", "full"),
            await kit.order("b", "closed"),
            await kit.order("b", "r1"),
            await kit.ask("/shop/v1/orders", {}, key="c"),
        ):
            problems.validate_json(reply.body)


# The way that is documented, and the way of production.


class Served:
    """FastAPI over the kit's actions, called as ASGI."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._caller = Request(scope_of("/", "POST", []), Peer().receive, 0.0)
        self.api: FastAPI = fastapi_app(
            SHOP,
            [kit.screen],
            raw_of=lambda http: pytest.fail("no screen is asked for"),
            ids_of=lambda http: ("r-1", "a" * 32),
            actions=kit.served,
            raw_action_of=self._raw,
        )

    async def _raw(self, http: HttpRequest) -> Any:
        request = Request(dict(http.scope), http.receive, 0.0, id="r-1")
        request.path = {name: str(value) for name, value in http.path_params.items()}
        request.caller = self._kit.caller
        action = next(one for one in self._kit.served if http.scope["route"].name == f"shop_{one.action.name}")
        return await raw_of(request, ActionEndpoint(SHOP, action, LimitSettings()))

    async def ask(self, target: str, body: bytes, method: str, headers: dict[str, str]) -> tuple[int, bytes]:
        status, _, answer = await call(self.api, request_scope(target, method, headers), body)
        return status, answer


GOOD = orjson.dumps(order())
JSON = {"content-type": "application/json"}
CASES: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "good": ("POST", "/shop/v1/orders", GOOD, {**JSON, "idempotency-key": "k"}),
    "refused": ("POST", "/shop/v1/orders", orjson.dumps(order("full")), {**JSON, "idempotency-key": "k"}),
    "no key": ("POST", "/shop/v1/orders", GOOD, JSON),
    "faults": ("POST", "/shop/v1/orders?x=1", b'{"note":7}', {**JSON, "idempotency-key": "k", "request-timeout": "x"}),
    "no JSON": ("POST", "/shop/v1/orders", b"{", {**JSON, "idempotency-key": "k"}),
    "no type": ("POST", "/shop/v1/orders", GOOD, {"idempotency-key": "k"}),
    "a path": ("POST", "/shop/v1/orders/7/cancel", b"", {}),
    "a bad path": ("POST", "/shop/v1/orders/x/cancel", b"", {}),
    "a patch": ("PATCH", "/shop/v1/orders/7", b'{"name":"x"}', JSON),
    "another method": ("PUT", "/shop/v1/orders", b"", {}),
}


@pytest.mark.parametrize("case", CASES)
async def test_fastapi_and_the_dispatcher_answer_alike(case: str) -> None:
    method, target, body, headers = CASES[case]
    ids = {"x-request-id": "r-1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-00"}
    async with gateway() as kit:
        theirs = await Served(kit).ask(target, body, method, headers)
    async with gateway() as kit:
        ours: Reply = await kit.ask(target, body, method, headers=headers | ids | CALLER, plain=True)
    assert theirs == (ours.status, ours.body)


async def test_all_faults_of_a_screens_request_are_in_one_document_too() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/orders?pageSize=x&fields=nowhere&x=1", None, "GET", headers={"request-timeout": "soon"})
        assert reply.problem == "bad-input"
        assert {fault["name"] for fault in reply.json["errors"]} == {"Request-Timeout", "fields", "pageSize", "x"}
        assert not kit.backends.asked
