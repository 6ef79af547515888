"""From the records of a request to OpenTelemetry's spans: made only for traces that are kept, and not on the event loop.

    the client's span -> request -> section -> call -> attempt -> the backend's own

The span id of an attempt is the one that its backend was told; those above it leave the process only here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from bff.observe.kept import KeptTrace, SectionTime
from bff.upstream.call import Attempt
from bff.upstream.scope import CallRecord

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SCOPE: Final = InstrumentationScope("thali")
_BILLION: Final = 1_000_000_000
# Results that are no failure of the backend's: what it refused is its answer.
_SERVER_ERROR: Final = 500

Attributes = dict[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class _Place:
    context: SpanContext
    parent: SpanContext | None


class SpanMaker:
    """Makes spans under one resource; `ids` draws those that nobody was told yet."""

    def __init__(self, resource: Resource, ids: Random | None = None) -> None:
        self._resource = resource
        self._ids = ids or Random()

    def spans(self, trace: KeptTrace) -> list[ReadableSpan]:
        """All spans of one request, its own first."""
        return list(_Request(self, trace).spans())

    def context(self, trace_id: int, span_id: str = "", *, remote: bool = False) -> SpanContext:
        drawn = int(span_id, 16) if span_id else self._ids.getrandbits(64) or 1
        return SpanContext(trace_id, drawn, is_remote=remote, trace_flags=_SAMPLED)

    def span(
        self, name: str, place: _Place, times: tuple[int, int], attributes: Attributes, failed: str, kind: SpanKind
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            place.context,
            place.parent,
            self._resource,
            attributes,
            kind=kind,
            status=Status(StatusCode.ERROR, failed) if failed else Status(StatusCode.UNSET),
            start_time=times[0],
            end_time=times[1],
            instrumentation_scope=_SCOPE,
        )


class _Request:
    """One request on its way to spans."""

    def __init__(self, maker: SpanMaker, trace: KeptTrace) -> None:
        self._make = maker
        self._trace = trace
        self._id = int(trace.trace_id, 16)
        self._root = maker.context(self._id)

    def spans(self) -> Iterator[ReadableSpan]:
        trace = self._trace
        parent = self._make.context(self._id, trace.parent, remote=True) if trace.parent else None
        attributes: Attributes = {
            "http.request.method": trace.method,
            "http.response.status_code": trace.status,
            "thali.request_id": trace.request_id,
            "thali.app": trace.app,
        }
        if trace.template:
            attributes["http.route"] = trace.template
        failed = f"status {trace.status}" if trace.status >= _SERVER_ERROR else ""
        name = f"{trace.method} {trace.template}" if trace.template else trace.method
        times = self._times(trace.started, trace.ended)
        yield self._make.span(name, _Place(self._root, parent), times, attributes, failed, SpanKind.SERVER)
        sections = [(section, self._make.context(self._id)) for section in trace.sections]
        for section, context in sections:
            yield self._section(section, context)
        for record in trace.calls:
            yield from self._call(record, _under(record, sections) or self._root)

    def _section(self, section: SectionTime, context: SpanContext) -> ReadableSpan:
        attributes: Attributes = {"thali.screen": section.screen, "thali.section": section.key, "thali.status": section.status}
        if section.reason:
            attributes["thali.reason"] = section.reason
        failed = "" if section.status == "ok" else section.reason or section.status
        times = self._times(section.started, section.ended)
        return self._make.span(section.key, _Place(context, self._root), times, attributes, failed, SpanKind.INTERNAL)

    def _call(self, record: CallRecord, parent: SpanContext) -> Iterator[ReadableSpan]:
        context = self._make.context(self._id)
        attributes: Attributes = {
            "peer.service": record.service,
            "http.request.method": record.method,
            "url.template": record.target,
            "thali.result": record.result,
            "thali.attempts": len(record.attempts),
        }
        name = f"{record.service} {record.method} {record.target}"
        times = self._times(record.started, record.ended)
        yield self._make.span(name, _Place(context, parent), times, attributes, _failure(record.result), SpanKind.INTERNAL)
        for attempt in record.attempts:
            yield self._attempt(attempt, record, context)

    def _attempt(self, attempt: Attempt, record: CallRecord, parent: SpanContext) -> ReadableSpan:
        context = self._make.context(self._id, attempt.span_id)
        host, _, port = attempt.instance.rpartition(":")
        attributes: Attributes = {
            "peer.service": record.service,
            "server.address": host,
            "server.port": int(port) if port.isdigit() else 0,
            "http.request.method": record.method,
            "url.template": record.target,
            "thali.attempt": attempt.kind,
            "thali.result": attempt.result,
        }
        place, failed = _Place(context, parent), _failure(attempt.result)
        times = self._times(attempt.started, attempt.ended)
        return self._make.span(f"{attempt.kind} {attempt.instance}", place, times, attributes, failed, SpanKind.CLIENT)

    def _times(self, started: float, ended: float) -> tuple[int, int]:
        """Wall-clock nanoseconds: the request's start and monotonic differences from it. What never ended ended with it."""
        trace = self._trace
        start = trace.wall + int((started - trace.started) * _BILLION)
        return start, trace.wall + int(((ended or trace.ended) - trace.started) * _BILLION)


def _failure(result: str) -> str:
    """Why a call or attempt failed; "" for an answer below 500."""
    if result.isdigit():
        return "" if int(result) < _SERVER_ERROR else f"status {result}"
    return result


def _under(record: CallRecord, sections: Sequence[tuple[SectionTime, SpanContext]]) -> SpanContext | None:
    """The span of the section that made a call. Two screens of an operation may have equal names: then by its time."""
    named = [(section, context) for section, context in sections if section.key == record.section]
    for section, context in named:
        if section.started <= record.started and (not section.ended or record.started <= section.ended):
            return context
    return named[0][1] if named else None
