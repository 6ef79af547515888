"""A request as spans, as a real OTLP receiver reads them: names, parents, times, and the ids that backends were told."""

from opentelemetry.proto.trace.v1.trace_pb2 import Span, SpanFlags, Status

from bff.observe.kept import KeptTrace, SectionTime
from bff.observe.traces import OtlpSink
from bff.upstream.call import Attempt
from bff.upstream.scope import CallRecord
from tests.observe.otlp import attributes, receiving

TRACE, CLIENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
WALL = 1_763_900_000_000_000_000


def kept() -> KeptTrace:
    tried = [
        Attempt("10.0.0.1:80", "first", 100.02, "a" * 16, 100.05, "unreachable"),
        Attempt("10.0.0.2:80", "retry", 100.06, "b" * 16, 100.08, "200"),
    ]
    return KeptTrace(
        trace_id=TRACE,
        parent=CLIENT,
        request_id="r-1",
        app="web",
        template="/web/v1/home",
        method="GET",
        status=200,
        wall=WALL,
        started=100.0,
        ended=100.1,
        sections=[
            SectionTime("home", "viewer", 100.01, 100.09, "ok"),
            SectionTime("home", "picks", 100.01, 100.03, "fallback", "timeout"),
            SectionTime("home", "gone", 100.01, 0.0, "cut"),
        ],
        calls=[
            CallRecord("users", "GET", "/users/{id}", 100.02, "viewer", tried, 100.08, "200"),
            CallRecord("orders", "GET", "/orders", 100.02, "", [], 100.03, "breaker open"),
        ],
    )


def sent() -> dict[str, Span]:
    with receiving() as receiver:
        sink = OtlpSink(receiver.endpoint, "thali-test")
        assert sink.send([kept()])
        sink.close()
        assert receiver.service == "thali-test"
        return {span.name: span for span in receiver.spans(TRACE)}


def test_each_span_has_the_right_parent_and_attempts_the_ids_that_were_sent() -> None:
    spans = sent()
    request, viewer, call = spans["GET /web/v1/home"], spans["viewer"], spans["users GET /users/{id}"]
    first, retry = spans["first 10.0.0.1:80"], spans["retry 10.0.0.2:80"]
    assert request.parent_span_id.hex() == CLIENT
    assert viewer.parent_span_id == spans["picks"].parent_span_id == request.span_id
    assert call.parent_span_id == viewer.span_id
    assert first.parent_span_id == retry.parent_span_id == call.span_id
    assert (first.span_id.hex(), retry.span_id.hex()) == ("a" * 16, "b" * 16)
    assert spans["orders GET /orders"].parent_span_id == request.span_id  # made outside of any section
    assert len({span.span_id for span in spans.values()}) == len(spans) == 8
    assert (request.kind, viewer.kind, first.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT)


def test_times_are_the_wall_clocks_by_monotonic_differences() -> None:
    spans = sent()

    def ms(span: Span) -> tuple[int, int]:
        return round((span.start_time_unix_nano - WALL) / 1e6), round((span.end_time_unix_nano - WALL) / 1e6)

    assert ms(spans["GET /web/v1/home"]) == (0, 100)
    assert ms(spans["viewer"]) == (10, 90)
    assert ms(spans["retry 10.0.0.2:80"]) == (60, 80)
    assert ms(spans["gone"]) == (10, 100)  # what never ended, ended with the request


def test_what_failed_says_so_and_why() -> None:
    spans = sent()
    failed = {name: span.status.message for name, span in spans.items() if span.status.code == Status.STATUS_CODE_ERROR}
    assert failed == {
        "picks": "timeout",
        "gone": "cut",
        "orders GET /orders": "breaker open",
        "first 10.0.0.1:80": "unreachable",
    }
    assert attributes(spans["GET /web/v1/home"]) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/web/v1/home",
        "thali.app": "web",
        "thali.request_id": "r-1",
    }
    assert attributes(spans["retry 10.0.0.2:80"])["server.address"] == "10.0.0.2"


def test_a_collector_that_is_away_takes_nothing_within_the_time_it_has() -> None:
    with receiving() as receiver:
        endpoint = receiver.endpoint
    sink = OtlpSink(endpoint, "thali", timeout=0.2)
    assert not sink.send([kept()])
    sink.close()


def test_the_clients_own_span_is_told_as_remote() -> None:
    spans = sent()
    remote = SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
    assert {name for name, span in spans.items() if span.flags & remote} == {"GET /web/v1/home"}
