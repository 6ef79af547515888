"""What is counted and kept of a request that has ended."""

import asyncio

import pytest

from bff.observe.kept import KeptTrace
from bff.observe.sampling import Sampler
from bff.observe.tracing import Tracing
from bff.testing import Fault
from tests.gateway.kit import Peer, bearer, gateway


async def test_a_screen_is_counted_as_complete_degraded_or_failed_with_its_sections() -> None:
    async with gateway() as kit:
        await kit.ask("/shop/v1/home", headers=bearer())
        kit.stub.faults["/names/note"] = Fault("status", status=503)
        await kit.ask("/shop/v1/home", headers=bearer())
        kit.stub.faults["/names/head"] = Fault("status", status=503)
        await kit.ask("/shop/v1/home", headers=bearer())
        home = kit.records.screens["shop", "home"]
        assert home.results == {"complete": 1, "degraded": 1, "failed": 1}
        sections = home.sections()
        assert (sections["name", "ok"], sections["name", "unavailable"]) == (2, 1)
        assert sections["note", "ok"] == 1
        assert sections["note", "unavailable"] in (1, 2)  # the failure of `name` may have cut it
        assert kit.records.blamed == {"users": 2}


async def test_a_screen_whose_client_went_is_counted_as_a_request_and_tells_nothing_of_the_screen() -> None:
    async with gateway() as kit:
        kit.stub.fault = Fault("hang")
        peer = Peer()
        asking = asyncio.ensure_future(kit.ask("/shop/v1/home", headers=bearer(), peer=peer))
        await kit.stub.wait_for(lambda: kit.stub.counters.calls == 2)
        peer.gone.set()
        await asking
        assert kit.records.screens == {}
        assert kit.records.endpoints["/shop/v1/home", "GET"].classes[4] == 1


class Export:
    """Takes what is offered."""

    def __init__(self) -> None:
        self.kept: list[KeptTrace] = []

    def offer(self, trace: KeptTrace) -> None:
        self.kept.append(trace)


@pytest.mark.parametrize(
    ("fault", "target", "kept"),
    [
        (None, "/shop/v1/open", 0),
        (Fault("status", status=503), "/shop/v1/home", 1),  # a 503
        (Fault("latency", ms=60), "/shop/v1/open", 1),  # slow
        (None, "/shop/v1/nowhere", 0),  # the client's own fault
    ],
)
async def test_what_failed_or_was_slow_is_kept_although_nothing_is_sampled(fault: Fault | None, target: str, kept: int) -> None:
    export = Export()
    tracing = Tracing(Sampler(0.0, 100), export, slow=0.05)  # type: ignore[arg-type]  # `offer` is all that is asked of it
    async with gateway(tracing=tracing) as kit:
        kit.stub.fault = fault
        reply = await kit.ask(target, headers=bearer())
        assert len(export.kept) == kept
        for trace in export.kept:
            assert (trace.trace_id, trace.status, trace.template) == (kit.line["traceId"], reply.status, target)
            assert {section.key for section in trace.sections} <= {"name", "note"}
            assert len(trace.calls) == kit.line["calls"] > 0
