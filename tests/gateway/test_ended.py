"""What is counted and kept of a request that has ended."""

import asyncio
from dataclasses import dataclass
from time import monotonic

import pytest
from starlette.types import Message

from bff import App, Screen, field, needs, section
from bff.composition.build import plan_of
from bff.faces.screen import Raw, ServedScreen, serve
from bff.gateway.ended import Ended
from bff.gateway.request import Request
from bff.observe.kept import KeptTrace
from bff.observe.logs import AccessLog
from bff.observe.records import Records
from bff.observe.sampling import Sampler
from bff.observe.tracing import Tracing
from bff.testing import Fault
from tests.gateway.kit import Peer, bearer, gateway, scope_of


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


async def test_the_trace_of_a_request_that_failed_says_which_section_it_was_and_which_were_cut() -> None:
    export = Export()
    tracing = Tracing(Sampler(0.0, 100), export)  # type: ignore[arg-type]  # as above
    async with gateway(tracing=tracing) as kit:
        await kit.ask("/shop/v1/broken")
        kit.stub.faults = {"/names/note": Fault("hang"), "/names/head": Fault("status", status=503)}
        await kit.ask("/shop/v1/home", headers=bearer())
    bug, cut = ({section.key: section.status for section in trace.sections} for trace in export.kept)
    assert bug == {"broken": "bug"}
    assert cut == {"name": "unavailable", "note": "cut"}


@dataclass
class Card:
    name: str
    rating: float | None = None


@dataclass
class Cards:
    cards: list[Card]


@section()
async def cards() -> list[Card]:
    return [Card("soup")]


@field(Card)
async def rating(items: list[Card]) -> list[float | None]:
    raise KeyError("a bug in a field, after every section had ended")


async def test_a_screen_that_a_bug_in_a_field_failed_is_counted_as_failed_and_kept() -> None:
    raw, export, records = Raw(), Export(), Records()
    served = ServedScreen(
        plan_of(Screen("/cards", Cards(needs(cards)), apps=(App("shop"),)), [rating]), lambda _: lambda cls: cls()
    )
    with pytest.raises(KeyError):
        await serve(served, raw)
    ended = Ended(AccessLog(None), records, Tracing(Sampler(0.0, 100), export))  # type: ignore[arg-type]  # as above
    request = Request({"type": "http", "method": "POST", "path": "/shop/graphql"}, Peer().receive, monotonic(), runs=raw.runs)
    ended.note(request, 200, 0)  # GraphQL: the other screens of the operation had their answers
    assert records.screens["", "cards"].results == {"complete": 0, "degraded": 0, "failed": 1}
    assert len(export.kept) == 1


async def test_of_an_answer_to_head_no_body_is_counted() -> None:
    async with gateway() as kit:
        await kit.ask("/shop/v1/open", "HEAD")
        assert (kit.line["bytes"], kit.records.endpoints["/shop/v1/open", "HEAD"].bytes) == (0, 0)


async def test_a_client_that_goes_while_it_is_answered_leaves_a_line_and_a_count() -> None:
    async def send(_: Message) -> None:
        raise OSError("the connection is closed")

    async with gateway() as kit:
        await kit.stack(scope_of("/shop/v1/open", "GET", [("host", "shop.example")]), Peer().receive, send)
        assert (kit.line["status"], kit.line["path"]) == (499, "/shop/v1/open")
        assert kit.records.endpoints["/shop/v1/open", "GET"].classes[4] == 1
