"""Who is let in, who is told to come back, and what that costs."""

import asyncio
import socket
from time import perf_counter

import pytest

from bff.priority import PRIORITIES, Priority
from bff.server.listener import Listener
from bff.settings import ShedSettings
from bff.testing import ManualClock
from tests.gateway.kit import Peer
from tests.gateway.overload_kit import Shop, verdict_of_extra

PLACES = 20


async def filled(shop: Shop, places: int) -> list["asyncio.Task[object]"]:
    """So many critical screens in flight."""
    waiting: list[asyncio.Task[object]] = [asyncio.create_task(shop.ask("critical")) for _ in range(places)]
    await shop.clock.advance(0)
    assert shop.pressure.in_flight == places
    return waiting


@pytest.mark.parametrize(
    ("places", "let_in"),
    [
        (15, {"critical", "high", "normal", "low"}),
        (16, {"critical", "high", "normal"}),
        (18, {"critical", "high", "normal"}),
        (19, {"critical", "high"}),
        (20, {"critical"}),
        (23, {"critical"}),
        (24, set()),
    ],
)
async def test_priorities_go_one_after_another_and_critical_ones_have_a_reserve(places: int, let_in: set[str]) -> None:
    shop = Shop(ManualClock(), ShedSettings(max_in_flight=PLACES))
    await filled(shop, places)
    found = set()
    for priority in PRIORITIES:
        asking = asyncio.create_task(shop.ask(priority))
        await shop.clock.advance(0)
        if not asking.done():
            found.add(priority)
            asking.cancel()
            await asyncio.wait([asking])
    assert found == let_in
    await shop.clock.advance(1)
    assert shop.pressure.in_flight == 0


async def test_a_shed_request_is_told_when_to_come_back_and_nothing_is_done_for_it() -> None:
    """Its token is not looked at (no keys are fetched), its body is not read, and it is answered in less than 5 ms."""
    shop = Shop(ManualClock(), ShedSettings(max_in_flight=PLACES))
    await filled(shop, 24)
    peer = Peer([b"x" * 1000] * 3)
    reply = await shop.ask("normal", {"authorization": "Bearer not.a.token", "content-length": "3000"}, peer)
    assert (reply.status, reply.problem) == (503, "overloaded")
    assert 1 <= int(reply.headers["retry-after"]) <= 5
    assert peer.read == 0
    assert shop.keys.asked == []
    took = []
    for _ in range(100):
        began = perf_counter()
        await shop.ask("normal")
        took.append(perf_counter() - began)
    assert sorted(took)[90] < 0.005
    assert shop.gate.refused == {"critical": 0, "high": 0, "normal": 101, "low": 0}


async def test_those_who_are_refused_together_do_not_come_back_together() -> None:
    shop = Shop(ManualClock(), ShedSettings(max_in_flight=1))
    await filled(shop, 1)
    told = {(await shop.ask("low")).headers["retry-after"] for _ in range(100)}
    assert told == {"1", "2", "3", "4", "5"}


async def test_a_place_is_given_back_however_the_request_ends() -> None:
    shop = Shop(ManualClock(), ShedSettings(max_in_flight=PLACES))
    whole, cut = (asyncio.create_task(shop.ask("normal")) for _ in range(2))
    await shop.clock.advance(0)
    assert shop.pressure.in_flight == 2
    cut.cancel()
    await asyncio.wait([cut])
    assert (shop.pressure.in_flight, whole.done()) == (1, False)
    await shop.clock.advance(1)
    assert shop.pressure.in_flight == 0
    assert (await shop.ask("normal", {"accept": "image/png"})).status == 406
    assert shop.pressure.in_flight == 0


async def test_on_the_wire_a_shed_request_is_answered_before_its_body_has_come() -> None:
    shop = Shop(ManualClock(), ShedSettings())
    shop.pressure.room["normal"] = 0
    opened = socket.create_server(("127.0.0.1", 0))
    port = opened.getsockname()[1]
    listener = Listener(shop.stack, opened, connections=4)
    serving = asyncio.create_task(listener.serve())
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /shop/v1/normal HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000\r\n\r\nx")
            answer = await reader.read()  # to its end: what would follow is the body of a request that was not read
        writer.close()
    finally:
        listener.stop()
        await serving
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: " in answer


@pytest.mark.parametrize("priority", PRIORITIES)
async def test_on_the_highest_level_only_critical_requests_are_served(priority: Priority) -> None:
    shop = Shop(ManualClock(), ShedSettings(max_in_flight=PLACES))
    shop.pressure.room = {"critical": 24, "high": 0, "normal": 0, "low": 0}
    reply = await shop.clock.drive(shop.ask(priority))
    assert reply.status == (200 if priority == "critical" else 503)


async def test_when_the_places_are_nearly_all_in_use_an_optional_section_is_shed_and_says_so() -> None:
    shop = Shop(ManualClock(), ShedSettings(max_in_flight=PLACES))
    shop.pressure.start()
    assert verdict_of_extra(await shop.clock.drive(shop.ask("critical"))) == {}
    shop.pressure.in_flight = 18
    await shop.clock.advance(1.2)
    reply = await shop.clock.drive(shop.ask("critical"))
    assert (reply.status, reply.json["data"]) == (200, {"head": "a word", "extra": ""})
    assert verdict_of_extra(reply) == {"status": "shed", "reason": "overload"}
    assert reply.json["meta"]["complete"] is False


async def test_when_memory_runs_short_answers_close_their_connections() -> None:
    shop = Shop(ManualClock(), ShedSettings(max_in_flight=PLACES))
    assert "connection" not in (await shop.clock.drive(shop.ask("normal"))).headers
    shop.pressure.closing = True
    assert (await shop.clock.drive(shop.ask("normal"))).headers["connection"] == "close"
