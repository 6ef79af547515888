"""One trace of a screen over the whole product: gateway, sections, calls and attempts, under the ids that backends saw."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from backends.ports import PORTS
from bff.testing import Fault
from tests.observe.otlp import Receiver, attributes, receiving
from tests.product.world import PATIENCE, World, access_lines, world

CLIENT = "00f067aa0ba902b7"


@pytest_asyncio.fixture
async def traced(tmp_path: Path) -> AsyncIterator[tuple[World, Receiver]]:
    """A product that samples nothing by itself."""
    with receiving() as receiver:
        async with world(tmp_path, BFF_TRACES__ENDPOINT=receiver.endpoint, BFF_TRACES__RATIO="0") as product:
            yield product, receiver


def told(product: World) -> dict[str, str]:
    """Span id to service, of every request that a backend saw with a `traceparent`; and all under `trace`."""
    found: dict[str, str] = {}
    for name in PORTS:
        for instance in range(len(PORTS[name])):
            for record in product.backends.stub(name, instance).seen:
                if "traceparent" in record.headers:
                    found[record.headers["traceparent"].split("-")[2]] = name
    return found


async def line_of(product: World, trace: str, path: str = "") -> dict[str, Any]:  # Any: JSON
    """The first access line of a trace, or of a path; lines come a moment after their answers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for line in access_lines(product.lines):
                if line["traceId"] == trace or line["path"] == path:
                    return line
            await asyncio.sleep(0.02)


async def timed(product: World, path: str) -> float:
    began = time.monotonic()
    assert (await product.get(path)).status_code == 200
    return time.monotonic() - began


def by_id(spans: list[Span]) -> dict[bytes, Span]:
    return {span.span_id: span for span in spans}


async def test_one_trace_of_home_has_gateway_sections_calls_and_attempts_with_the_right_parents(
    traced: tuple[World, Receiver],
) -> None:
    product, receiver = traced
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await product.get("/mobile/v1/home", traceparent=f"00-{trace}-{CLIENT}-01")
    assert answer.status_code == 200
    spans = receiver.spans(trace)
    ids = by_id(spans)
    request = next(span for span in spans if span.name == "GET /mobile/v1/home")
    assert request.parent_span_id.hex() == CLIENT
    attempts = [span for span in spans if span.kind == Span.SPAN_KIND_CLIENT]
    assert {span.span_id.hex() for span in attempts} >= told(product).keys()
    assert len(told(product)) >= 5
    for attempt in attempts:
        call = ids[attempt.parent_span_id]
        section = ids[call.parent_span_id]
        assert attributes(call)["peer.service"] == attributes(attempt)["peer.service"]
        assert "thali.section" in attributes(section), (call.name, section.name)
        assert ids[section.parent_span_id] is request
        for outer, inner in ((request, section), (section, call), (call, attempt)):
            assert outer.start_time_unix_nano <= inner.start_time_unix_nano <= inner.end_time_unix_nano
            assert inner.end_time_unix_nano <= outer.end_time_unix_nano + 1_000_000  # a batch may outlive its section's turn
    sections = {str(attributes(span).get("thali.section", "")) for span in spans}
    assert {"viewer", "nearby", "lastOrders"} <= sections


async def test_what_fails_is_kept_unasked_and_its_trace_is_in_the_problem_the_line_and_at_the_backends(
    traced: tuple[World, Receiver],
) -> None:
    product, receiver = traced
    product.backends.stub("users").fault = Fault("status", status=500)
    answer = await product.get("/mobile/v1/account")
    assert answer.status_code == 502
    trace = answer.json()["traceId"]
    spans = receiver.spans(trace)
    assert any(span.status.message == "status 502" for span in spans)
    seen = [record.headers["traceparent"] for record in product.backends.stub("users").seen if "traceparent" in record.headers]
    assert seen
    assert {one.split("-")[1] for one in seen} == {trace}
    assert {one.split("-")[3] for one in seen} == {"00"}  # it was not known to fail when it was sent
    line = await line_of(product, trace)
    assert (line["status"], line["audit"]) == (502, "refusal")


async def test_an_unsampled_request_that_is_well_leaves_no_trace(traced: tuple[World, Receiver]) -> None:
    product, receiver = traced
    well = await product.get("/mobile/v1/search?limit=1")
    assert well.status_code == 200
    kept = "5bf92f3577b34da6a3ce929d0e0e4736"
    await product.get("/mobile/v1/search?limit=1", traceparent=f"00-{kept}-{CLIENT}-01")
    assert receiver.spans(kept)  # what came after it is here
    assert receiver.count((await line_of(product, "", path="/mobile/v1/search"))["traceId"]) == 0


async def test_a_graphql_error_names_its_trace(traced: tuple[World, Receiver]) -> None:
    product, _ = traced
    product.backends.stub("users").fault = Fault("status", status=500)
    found = await product.graphql("mobile", "{ account { profile { name } } }")
    assert len(found["errors"][0]["extensions"]["traceId"]) == 32


@pytest.mark.parametrize("endpoint", ["hung", "away"])
async def test_a_collector_that_hangs_or_is_away_slows_no_request(endpoint: str, tmp_path: Path) -> None:
    """F49."""
    with receiving() as receiver:
        receiver.open.clear()
        address = receiver.endpoint if endpoint == "hung" else "http://127.0.0.1:9/v1/traces"
        async with world(tmp_path, BFF_TRACES__ENDPOINT=address, BFF_TRACES__RATIO="1") as product:
            took = sorted([await timed(product, "/mobile/v1/search?limit=1") for _ in range(200)])
            assert took[100] < 0.1
            assert took[-3] < 0.5  # the 10 s that an export may take would show
