"""Connections that fail: F03 to F08, F11."""

import asyncio
import socket
import time

from bff.deadline import Deadline
from bff.upstream.call import Call
from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.calls import call, many, p, parts
from tests.faults.rig.offering import offered
from tests.faults.rig.rig import Rig
from tests.faults.rig.samples import Stream
from tests.faults.rig.scenario import Figures, Without, latency, least, most, scenario

# The breaker would end what these scenarios look at after twenty calls.
NO_BREAKER = {"breaker": {"on": False}, "eject": {"on": False}}
MB = 1024 * 1024


@scenario(
    "F03",
    fault="connections are not accepted (a full backlog: SYN goes unanswered)",
    answer="the connect timeout of 250 ms, not the system's minutes",
    limits=(latency("fails after, p99", 300, "ms"),),
    without=(Without("connect timeout", {"connect_timeout": 0.4}),),
    tests=("tests/upstream/test_wire.py::test_f03_a_connection_that_nobody_accepts_ends_in_time",),
)
async def f03(rig: Rig) -> Figures:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filling in (first, second):
            filling.setblocking(False)
            filling.connect_ex(full.getsockname())
        settings = {**NO_BREAKER, "instances": [f"http://127.0.0.1:{full.getsockname()[1]}"], "retry": {"attempts": 1}}
        async with rig.service(settings) as service:
            calls = [await call(parts(service)) for _ in range(rig.calls(20, 5))]
    return {"fails after, p99": 1000 * p(calls, 0.99)}


@scenario(
    "F04",
    fault="one of two copies refuses connections",
    answer="the call goes to the other one, once",
    limits=(
        least("served", 100, "%"),
        most("attempts of a call", 2),
        latency("added to the p99", 30, "ms"),
    ),
    without=(Without("retry and ejection", {"retry": {"attempts": 1}, "eject": {"on": False}}),),
    tests=("tests/faults/test_wire_faults.py::test_f04_a_refused_connection_is_unreachable_at_once",),
)
async def f04(rig: Rig) -> Figures:
    settings = {"instances": rig.backends.urls("picks")[:2], "retry": {"budget": 1.0}}
    attempts = 0
    async with rig.service(settings) as service:

        async def send() -> None:
            nonlocal attempts
            made = Call("picks", "GET", "/picks", Deadline.after(0.4))
            try:
                await service.sender.send(made)
            finally:
                attempts = max(attempts, len(made.attempts))

        healthy = await many(send, rig.calls(1000, 300), at_once=5)
        await rig.backends.away("picks", instance=0)
        calls = await many(send, rig.calls(1000, 300), at_once=5)
        await rig.backends.away("picks", away=False, instance=0)
    return {
        "served": 100 * sum(made.ok for made in calls) / len(calls),
        "attempts of a call": attempts,
        "added to the p99": 1000 * (p(calls, 0.99) - p(healthy, 0.99)),
    }


@scenario(
    "F05",
    fault="RST after the request, before a byte of the answer",
    answer="a GET is sent once more, a POST never",
    limits=(most("POSTs seen twice, of 1,000", 0), least("GETs served, every fifth being reset", 100, "%")),
    without=(
        Without("the rule that a POST is not repeated", code="everything is repeatable"),
        Without("retry", {"retry": {"attempts": 1}}),
    ),
    tests=("tests/faults/test_wire_faults.py::test_f05_a_post_is_seen_exactly_once_in_a_thousand",),
)
async def f05(rig: Rig) -> Figures:
    count = rig.calls(1000, 200)
    settings = {**NO_BREAKER, "instances": rig.backends.urls("picks")[:1], "retry": {"budget": 1.0}}
    async with rig.service(settings) as service:
        await rig.backends.fault("picks", Behaviour("reset", share=0.5))
        numbers = iter(range(count))

        async def post() -> None:
            once = (("x-once", str(next(numbers))),)
            await service.sender.send(Call("picks", "POST", "/picks", Deadline.after(0.4), once, b"{}"))

        await many(post, count, at_once=5)
        # On connections of their own: what happens to kept ones is the wire's business, and is resent by it.
        await rig.backends.well("picks", Behaviour(latency=0.005, headers={"connection": "close"}))
        await rig.backends.fault("picks", Behaviour("reset", share=0.2))
        gets = await many(parts(service), count, at_once=1)
    return {
        "POSTs seen twice, of 1,000": (await rig.backends.count("picks")).sent_twice,
        "GETs served, every fifth being reset": 100 * sum(made.ok for made in gets) / len(gets),
    }


@scenario(
    "F07",
    fault="an answer that drips at 1 byte a second",
    answer="the timeout is a total: the call ends at 400 ms and its connection is closed",
    limits=(latency("ends after, worst", 450, "ms"), least("connections closed at the backend", 100, "%")),
    without=(Without("the total timeout", {"timeout": 5.0, "first_byte_timeout": 0.4}),),
    tests=("tests/faults/test_wire_faults.py::test_f07_a_drip_ends_with_the_deadline_and_its_connection",),
)
async def f07(rig: Rig) -> Figures:
    settings = {**NO_BREAKER, "instances": rig.backends.urls("picks")[:1], "retry": {"attempts": 1}}
    await rig.backends.fault("picks", Behaviour("drip", rate=1))
    async with rig.service(settings) as service:
        calls = await many(parts(service), rig.calls(100, 20), at_once=20)
        await asyncio.sleep(0.1)  # what is closed is told in this time
        count = await rig.backends.count("picks")
    return {
        "ends after, worst": 1000 * p(calls, 1.0),
        "connections closed at the backend": 100 * count.cut / len(calls),
    }


@scenario(
    "F11",
    fault="an answer of 1 GB",
    answer="refused by its announced length, or cut at the service's cap",
    limits=(most("memory, above what it was", 20, "MB"), latency("p99 of another screen meanwhile", 50, "ms")),
    without=(Without("the cap", {"max_body": 4 * 1024 * MB}),),
    tests=("tests/faults/test_wire_faults.py::test_f11_an_answer_of_a_gigabyte_is_cut_at_the_cap",),
)
async def f11(rig: Rig) -> Figures:
    async with (
        rig.gateway() as gateway,
        offered(gateway.port, Stream("account", "/rig/v1/account", 50), Stream("board", "/rig/v1/board", 20)) as load,
    ):
        await asyncio.sleep(2)
        before = gateway.memory()
        await rig.backends.fault("picks", Behaviour("pour", size=1024 * MB))
        struck = time.monotonic()
        most_memory = before
        while time.monotonic() < struck + rig.seconds(4, 2):
            most_memory = max(most_memory, gateway.memory())
            await asyncio.sleep(0.02)
    return {
        "memory, above what it was": (most_memory - before) / MB,
        "p99 of another screen meanwhile": 1000 * load.samples.of("account").between(struck, time.monotonic()).p(0.99),
    }
