"""The gateway's whole order, on one page. `_handle` is the order; everything else here is the frame around it."""

import logging
from time import monotonic

from starlette.types import Receive, Scope, Send

from bff.composition.engine import SectionFailed
from bff.errors import BffError
from bff.faces import problems
from bff.faces.answer import Answer
from bff.gateway.body import ClientGone
from bff.gateway.context import open_context
from bff.gateway.cors import Cors
from bff.gateway.ended import CLIENT_GONE, Ended
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities, authorize
from bff.gateway.match import Routes
from bff.gateway.pressure import Pressure
from bff.gateway.quota import Quota
from bff.gateway.request import Request
from bff.gateway.shed import Gate
from bff.gateway.write import write
from bff.identity.internal_token import Inside
from bff.observe.logs import AccessLog
from bff.observe.records import Records
from bff.observe.tracing import Tracing
from bff.settings import ShedSettings

_log = logging.getLogger("bff")


class Stack:
    """The public face of a worker: pure ASGI, one request through the stages in their order."""

    def __init__(
        self,
        routes: Routes,
        guard: Guard,
        identities: Identities,
        access: AccessLog,
        *,
        cors: Cors | None = None,
        quota: Quota | None = None,
        inside: Inside | None = None,
        gate: Gate | None = None,
        records: Records | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.in_flight = 0
        self.draining = False
        self._routes = routes
        self._guard = guard
        self._identities = identities
        self._cors = cors or Cors()
        self._quota = quota or Quota()
        self._inside = inside
        self._gate = gate or Gate(Pressure(ShedSettings()))  # one that nobody drives: its places are all that it knows
        self._tracing = tracing or Tracing()
        self._ended = Ended(access, records or Records(), self._tracing)

    async def _handle(self, request: Request) -> Answer:
        self._guard.check(request)  # guard: first, so that nothing behind it reads what is malformed
        preflight = self._cors.preflight(request, self._routes)  # a browser's question about a path, before any rule of it
        if preflight is not None:
            return preflight
        self._routes.match(request)  # match: a pure look-up; the stages behind it need to know whose rules hold
        self._cors.check(request)  # another site's page is refused, one of ours may read whatever the answer is
        self._gate.admit(request)  # shed: as soon as its priority is known, before anything is done for it
        self._quota.at_door(request)  # by address: before a signature is checked, so that guessing costs us nothing
        await self._identities.identify(request)  # identity: before any right is weighed; costs no backend call
        authorize(request)  # authorization: a caller without the right reaches no backend
        await self._quota.charge(request)  # quota: by who asks, so after identity; the refused have used nothing up
        if self._inside is not None:  # inside: what services are told of the caller, who is known and may do this
            request.work.tell = self._inside.of(request.caller)
        if request.endpoint is None:
            raise problems.Problem("not-found")
        return await request.endpoint.answer(request)  # the face: inputs are validated there, before anything runs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive, monotonic())
        open_context(request, self._tracing)  # context: before the guard, so that a refusal too has a request id to be found by
        self.in_flight += 1
        try:
            try:
                answer = await self._handle(request)
            except ClientGone:
                raise
            except Exception as error:  # noqa: BLE001 - the one seam where whatever went wrong must become an answer
                answer = _in_its_place(request, error)
            self._quota.tell(request)  # its fields are on every answer, the refusals of stages behind it too
            size = await write(request, answer, send, closing=self.draining or self._gate.pressure.closing)
            self._ended.note(request, answer.status, size)
        except (ClientGone, OSError):  # an OSError is what ASGI lets `send` raise when the connection has gone
            self._ended.note(request, CLIENT_GONE, 0)
        finally:
            self._gate.leave(request)
            self.in_flight -= 1


def _in_its_place(request: Request, error: Exception) -> Answer:
    """What is answered when there is no answer: an expected error becomes its problem, a bug a 500 that tells nothing."""
    if isinstance(error, SectionFailed):
        request.outcomes = {error.section: error.outcome}
    if isinstance(error, BffError):
        problem = problems.of(error)
    else:
        _log.error("a bug, request %s", request.id, exc_info=error)
        problem = problems.Problem("internal")
    request.problem = problem.kind
    return problem.answer(request.id, request.work.trace.trace_id if request.work.trace else "")
