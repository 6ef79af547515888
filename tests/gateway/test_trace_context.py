"""Where a request stands in a trace: the client's where it brings one, else its own; the same in line, problem and backend."""

import pytest

from bff.gateway.context import open_context
from bff.gateway.request import Request
from bff.observe.sampling import Sampler
from bff.observe.traces import TraceExport
from bff.observe.tracing import Tracing
from tests.gateway.kit import Peer, gateway

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def opened(tracing: Tracing | None = None, **headers: str) -> Request:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "headers": given}, Peer().receive, 0.0)
    open_context(request, tracing or Tracing())
    return request


def exporting(ratio: float, per_second: float = 100) -> Tracing:
    def never() -> None:
        raise AssertionError("nothing is exported here")

    return Tracing(Sampler(ratio, per_second), TraceExport(never))  # type: ignore[arg-type]  # its sink is never made


def test_a_request_that_brings_nothing_has_one_new_id_for_itself_and_its_trace() -> None:
    first, second = opened(), opened()
    assert first.work.trace is not None
    assert first.id == first.work.trace.trace_id
    assert len(first.id) == 32
    assert first.id != second.id
    assert (first.work.trace.flags, first.parent, first.sampled) == ("00", "", False)


def test_a_clients_trace_is_gone_on_with_as_it_came_when_nothing_is_exported() -> None:
    request = opened(traceparent=PARENT, tracestate="a=1")
    assert request.work.trace == (TRACE, "01", "a=1")
    assert request.parent == SPAN
    assert request.id != TRACE  # one trace may have many requests


def test_a_request_id_and_a_trace_are_two_things() -> None:
    request = opened(x_request_id="r-1", traceparent=PARENT)
    assert (request.id, request.work.trace and request.work.trace.trace_id) == ("r-1", TRACE)


@pytest.mark.parametrize("odd", ["", "nonsense", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-x", "a" * 100_000])
def test_a_malformed_parent_begins_a_new_trace_and_its_state_is_dropped(odd: str) -> None:
    """S071."""
    request = opened(traceparent=odd, tracestate="a=1")
    assert request.work.trace is not None
    assert request.work.trace.trace_id != TRACE
    assert (request.work.trace.state, request.parent) == ("", "")


def test_when_traces_are_exported_a_share_is_sampled_and_a_sampled_parent_is_heeded_up_to_the_cap() -> None:
    assert opened(exporting(1.0)).sampled
    assert not opened(exporting(0.0)).sampled
    tracing = exporting(0.0, per_second=2)
    sampled = [opened(tracing, traceparent=PARENT) for _ in range(5)]
    assert [request.sampled for request in sampled] == [True, True, False, False, False]
    assert [request.work.trace and request.work.trace.flags for request in sampled] == ["01", "01", "00", "00", "00"]


async def test_the_same_trace_is_in_the_line_the_problem_and_at_the_backend() -> None:
    async with gateway() as kit:
        headers = {"traceparent": PARENT, "tracestate": "a=1", "baggage": "canary=1"}
        assert (await kit.ask("/shop/v1/open", headers=headers)).status == 200
        assert kit.line["traceId"] == TRACE
        (seen,) = kit.stub.seen
        version, trace, span, flags = seen.headers["traceparent"].split("-")
        assert (version, trace, flags, seen.headers["tracestate"]) == ("00", TRACE, "01", "a=1")
        assert span not in (SPAN, "0" * 16)
        assert "baggage" not in seen.headers
        refused = await kit.ask("/shop/v1/nowhere", headers=headers)
        assert refused.json["traceId"] == kit.line["traceId"] == TRACE


async def test_a_plain_route_goes_on_in_the_same_trace() -> None:
    async with gateway({"/v1/users": []}) as kit:
        await kit.ask("/api/users", headers={"traceparent": PARENT})
        assert kit.stub.seen[0].headers["traceparent"].split("-")[1] == TRACE
        assert kit.line["to"] == [f"users@{kit.stub.address}"]
