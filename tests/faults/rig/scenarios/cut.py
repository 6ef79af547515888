"""Answers that are cut somewhere: F06, F08."""

import random
from collections.abc import Callable

from bff.deadline import Deadline
from bff.errors import BackendError
from bff.upstream.call import Call
from tests.faults.proxy import FaultProxy, Toxics
from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.rig import Rig
from tests.faults.rig.scenario import Figures, Without, least, most, scenario
from tests.faults.rig.scenarios.wires import NO_BREAKER


@scenario(
    "F06",
    fault="RST in the middle of an answer, at any byte",
    answer="an error of the service; no part of an answer is ever used",
    limits=(most("parts taken for answers", 0), least("resets that struck", 50, "%")),
    without=(Without("the check that an answer is whole", code="a part will do"),),
    tests=("tests/faults/test_wire_faults.py::test_f06_a_reset_at_any_byte_gives_an_error_and_never_a_part",),
)
async def f06(rig: Rig) -> Figures:
    return await _cut(rig, "resets that struck", lambda at: Toxics(reset=at))


@scenario(
    "F08",
    fault="an answer that ends before its length is reached, at any byte",
    answer="an error of the service; no part of an answer is ever used",
    limits=(most("parts taken for answers", 0), least("cuts that struck", 50, "%")),
    without=(Without("the check that an answer is whole", code="a part will do"),),
    tests=("tests/faults/test_wire_faults.py::test_f08_an_answer_cut_at_any_byte_is_an_error",),
)
async def f08(rig: Rig) -> Figures:
    return await _cut(rig, "cuts that struck", lambda at: Toxics(truncate=at))


async def _cut(rig: Rig, struck: str, toxics: Callable[[int], Toxics]) -> Figures:
    """Answers of 2 KB through a proxy that cuts each connection somewhere; their end is `}`, which no part has."""
    count, chance, parts, failed = rig.calls(10_000, 1_000), random.Random(6), 0, 0
    port = rig.backends.ports["picks"][0]
    await rig.backends.well("picks", Behaviour(body="{" + 2000 * "x" + "}"))
    async with FaultProxy("127.0.0.1", port) as proxy:
        settings = {**NO_BREAKER, "instances": [f"http://{proxy.address}"], "retry": {"attempts": 1}}
        async with rig.service(settings) as service:
            for _ in range(count):
                proxy.down = toxics(chance.randrange(1, 2200))
                try:
                    reply = await service.sender.send(Call("picks", "GET", "/picks", Deadline.after(2.0)))
                except BackendError:
                    failed += 1
                else:
                    parts += not (reply.body.startswith(b"{") and reply.body.endswith(b"}"))
    return {"parts taken for answers": parts, struck: 100 * failed / count}
