"""What is noted of a request that has ended: its access line, its numbers and, when it is kept, its trace."""

from collections.abc import Iterator
from time import monotonic, time_ns

from bff.gateway.access_line import access_line
from bff.gateway.request import Request
from bff.observe.kept import KeptTrace, SectionTime
from bff.observe.logs import AccessLog
from bff.observe.records import Records, Result
from bff.observe.stamp import Stamp
from bff.observe.tracing import Tracing

# nginx's status for a client that closed the connection; only ever in the log.
CLIENT_GONE = 499
_FAILED_FROM = 500


class Ended:
    """The three, in one pass over the request."""

    def __init__(self, access: AccessLog, records: Records, tracing: Tracing) -> None:
        self._access = access
        self._records = records
        self._tracing = tracing
        self._stamp = Stamp()

    def note(self, request: Request, status: int, size: int) -> None:
        now = monotonic()
        seconds = now - request.started
        endpoint = request.endpoint
        app, template = (None, None) if endpoint is None else (endpoint.app, endpoint.template)
        record = self._records.endpoint(app, template, request.method)
        record.add(status, size, seconds, now)
        failed = False
        if request.runs and status != CLIENT_GONE:
            failed = self._count_screens(app or "", request)
        if self._access.on:
            self._access.line(access_line(request, record, self._stamp(), status, size, seconds))
        if self._tracing.on:
            failed = failed or status >= _FAILED_FROM or bool(request.outcomes)
            if self._tracing.keeps(sampled=request.sampled, failed=failed, seconds=seconds):
                self._tracing.offer(_kept(request, status, now))

    def _count_screens(self, app: str, request: Request) -> bool:
        """Whether one of them failed: in GraphQL the answer is a 200 all the same."""
        failed = False
        for name, run in request.runs:
            result: Result = "degraded" if run.outcomes else "complete"
            if not run.finished:
                result, failed = "failed", True
            self._records.screen(app, name).add(result, run.verdicts)
        for outcome in request.outcomes.values():
            if outcome.service:
                self._records.blamed[outcome.service] += 1
        return failed


def _kept(request: Request, status: int, now: float) -> KeptTrace:
    """Copies of what a trace is made of; the request itself, with its inputs and its caller, is not held."""
    endpoint, trace = request.endpoint, request.work.trace
    return KeptTrace(
        trace_id=trace.trace_id if trace else "",
        parent=request.parent,
        request_id=request.id,
        app=endpoint.app if endpoint else "",
        template=endpoint.template if endpoint else "",
        method=request.method,
        status=status,
        wall=time_ns() - int((now - request.started) * 1e9),
        started=request.started,
        ended=now,
        sections=tuple(_sections(request)),
        calls=tuple(request.work.records),
    )


def _sections(request: Request) -> Iterator[SectionTime]:
    for screen, run in request.runs:
        how = run.how
        for key, (started, ended) in run.times.items():
            outcome = run.verdicts.get(key)  # what was cut has none, nor has a bug, nor a computed fallback
            status, reason = (how[key], "") if outcome is None else (outcome.status, outcome.reason or "")
            yield SectionTime(screen, key, started, ended, status, reason)
