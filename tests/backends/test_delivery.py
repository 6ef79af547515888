"""The gRPC service, its answers and its switches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

from backends.delivery import PROTO
from backends.grpc_service import compiled, plain
from backends.running import Backends
from bff.testing.faults import Fault
from tests.backends.conftest import Asking

Rpc = Callable[..., Awaitable[dict[str, Any]]]  # an answer that a test looks into


@pytest.fixture
async def rpc(backends: Backends) -> AsyncIterator[Rpc]:
    [service] = compiled(PROTO).services_by_name.values()
    async with grpc.aio.insecure_channel(backends.address("delivery")) as channel:

        async def call(name: str, timeout: float = 5.0, **fields: object) -> dict[str, Any]:  # noqa: ASYNC109
            method = service.methods_by_name[name]
            asked = message_factory.GetMessageClass(method.input_type)
            answered = message_factory.GetMessageClass(method.output_type)
            send: grpc.aio.UnaryUnaryMultiCallable[Message, Message] = channel.unary_unary(
                f"/{service.full_name}/{name}",
                request_serializer=asked.SerializeToString,
                response_deserializer=answered.FromString,
            )
            return plain(await send(json_format.ParseDict(fields, asked()), timeout=timeout))

        yield call


async def code_of(call: Awaitable[object]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def adas_order(ask: Asking) -> str:
    [order] = (await ask("orders", "/orders/active?user=7")).json()["items"]
    return str(order["id"])


async def test_adas_order_is_under_way(rpc: Rpc, ask: Asking) -> None:
    order = await adas_order(ask)
    tracking = await rpc("Track", order_id=order)
    assert (tracking["order_id"], tracking["status"]) == (order, "UNDER_WAY")
    assert tracking["eta_seconds"] > 0
    assert set(tracking["position"]) == {"lat", "lon"}
    assert [step["status"] for step in tracking["steps"]] == ["ASSIGNED", "WAITING", "UNDER_WAY"]
    courier = await rpc("Courier", id=tracking["courier_id"])
    assert set(courier) == {"id", "name", "phone", "vehicle", "rating"}


async def test_many_are_tracked_in_one_call(rpc: Rpc) -> None:
    answer = await rpc("TrackMany", order_ids=["1", "2", "999999", "x"])
    assert {one["order_id"] for one in answer["deliveries"]} <= {"1", "2"}
    assert await code_of(rpc("TrackMany", order_ids=[])) is grpc.StatusCode.INVALID_ARGUMENT
    assert await code_of(rpc("TrackMany", order_ids=["1"] * 101)) is grpc.StatusCode.INVALID_ARGUMENT


async def test_estimate_and_assign(rpc: Rpc, ask: Asking) -> None:
    estimate = await rpc("Estimate", restaurant_id="1", to={"lat": 52.5, "lon": 13.4})
    assert estimate["eta_seconds"] > 900
    assert await code_of(rpc("Estimate", restaurant_id="1")) is grpc.StatusCode.INVALID_ARGUMENT
    [dish, *_] = (await ask("restaurants", "/restaurants/1/menu")).json()["categories"][0]["dishes"]
    new = {"restaurant_id": "1", "user_id": "7", "address": "x", "lines": [{"dish_id": dish["id"], "quantity": 1}]}
    order = (await ask("orders", "/orders", "POST", json=new)).json()["id"]
    assert await code_of(rpc("Track", order_id=order)) is grpc.StatusCode.NOT_FOUND
    wanted = {"order_id": order, "customer_name": "Ada", "delivery_location": {"latitude": 52.5, "longitude": 13.4}}
    first = await rpc("Assign", **wanted)
    assert (first["order_reference"], first["current_status"]) == (order, "ASSIGNED")
    tracking = await rpc("Track", order_id=order)
    at = datetime.fromisoformat(tracking["steps"][0]["at"])
    assert datetime.fromisoformat(first["eta"]) == at + timedelta(seconds=tracking["eta_seconds"])
    assert first == await rpc("Assign", **wanted | {"delivery_location": {"latitude": 1, "longitude": 1}})


async def test_a_cancelled_order_is_not_delivered_nor_gets_a_courier_later(rpc: Rpc, ask: Asking) -> None:
    [dish, *_] = (await ask("restaurants", "/restaurants/1/menu")).json()["categories"][0]["dishes"]
    new = {"restaurant_id": "1", "user_id": "7", "address": "x", "lines": [{"dish_id": dish["id"], "quantity": 1}]}
    order = (await ask("orders", "/orders", "POST", json=new)).json()["id"]
    wanted = {"order_id": order, "customer_name": "Ada", "delivery_location": {"latitude": 52.5, "longitude": 13.4}}
    await rpc("Assign", **wanted)
    await ask("orders", f"/orders/{order}/cancel", "POST")
    assert await code_of(rpc("Track", order_id=order)) is grpc.StatusCode.NOT_FOUND
    assert await code_of(rpc("Assign", **wanted)) is grpc.StatusCode.NOT_FOUND


async def test_what_does_not_exist_is_not_found(rpc: Rpc) -> None:
    for name, fields in (("Track", {"order_id": "x"}), ("Courier", {"id": "9999"}), ("Assign", {"order_id": "0"})):
        to = {"delivery_location": {"latitude": 1, "longitude": 1}} if name == "Assign" else {}
        assert await code_of(rpc(name, **fields, **to)) is grpc.StatusCode.NOT_FOUND


async def test_status_faults_are_grpc_codes(rpc: Rpc, backends: Backends) -> None:
    stub = backends.stub("delivery")
    for status, code in ((503, grpc.StatusCode.UNAVAILABLE), (500, grpc.StatusCode.INTERNAL)):
        stub.fault = Fault("status", status=status)
        assert await code_of(rpc("Track", order_id="1")) is code
    stub.fault = None
    stub.faults["/thali.delivery.v1.Delivery/Courier"] = Fault("reset")
    assert await code_of(rpc("Courier", id="1")) is grpc.StatusCode.UNAVAILABLE
    assert (stub.counters.calls, stub.counters.finished) == (3, 3)


async def test_latency_delays(rpc: Rpc, backends: Backends) -> None:
    backends.stub("delivery").fault = Fault("latency", ms=30)
    assert (await rpc("Courier", id="1"))["id"] == "1"
    [record] = backends.stub("delivery").seen
    assert record.ended is not None
    assert record.ended - record.started >= 0.03


async def test_a_hang_ends_when_the_caller_gives_up(rpc: Rpc, backends: Backends) -> None:
    stub = backends.stub("delivery")
    stub.fault = Fault("hang")
    assert await code_of(rpc("Courier", timeout=0.05, id="1")) is grpc.StatusCode.DEADLINE_EXCEEDED
    await stub.wait_for(lambda: stub.counters.cancels == 1)
    waiting = asyncio.ensure_future(rpc("Courier", id="1"))
    await stub.wait_for(lambda: stub.counters.calls == 2)
    waiting.cancel()
    await stub.wait_for(lambda: stub.counters.cancels == 2)
    assert all(record.cancelled and record.ended for record in stub.seen)


async def test_off_refuses_and_healing_brings_it_back_on_its_port(rpc: Rpc, backends: Backends, control: Asking) -> None:
    address = backends.address("delivery")
    assert (await control("delivery", "/_control", "PUT", json={"kind": "off"})).json()["off"]
    assert await code_of(rpc("Courier", id="1")) is grpc.StatusCode.UNAVAILABLE
    assert not (await control("delivery", "/_control", "DELETE")).json()["off"]
    assert backends.address("delivery") == address
    own = (("grpc.use_local_subchannel_pool", 1),)  # else it would share the first channel's wait before reconnecting
    async with grpc.aio.insecure_channel(address, options=own) as channel:
        await channel.channel_ready()
