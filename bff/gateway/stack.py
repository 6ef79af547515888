"""The gateway's whole order, on one page. `_handle` is the order; everything else here is the frame around it."""

import logging
from time import monotonic

from starlette.types import Receive, Scope, Send

from bff.composition.engine import SectionFailed
from bff.errors import BffError
from bff.faces import problems
from bff.faces.answer import Answer
from bff.gateway.access_line import access_line
from bff.gateway.body import ClientGone
from bff.gateway.context import open_context
from bff.gateway.guard import check
from bff.gateway.identify import authorize, identify
from bff.gateway.match import Routes
from bff.gateway.request import Request
from bff.gateway.write import write
from bff.identity.jwt import JwtVerifier
from bff.observe.logs import AccessLog
from bff.settings import LimitSettings

_log = logging.getLogger("bff")

# nginx's status for a client that closed the connection; only ever in the log.
CLIENT_GONE = 499


class Stack:
    """The public face of a worker: pure ASGI, one request through the stages in their order."""

    def __init__(self, routes: Routes, verifier: JwtVerifier, limits: LimitSettings, access: AccessLog) -> None:
        self.in_flight = 0
        self.draining = False
        self._routes = routes
        self._verifier = verifier
        self._limits = limits
        self._access = access

    async def _handle(self, request: Request) -> Answer:
        check(request, self._limits)  # guard: first, so that nothing behind it reads what is malformed
        self._routes.match(request)  # match: a pure look-up; the stages behind it need to know whose rules hold
        await identify(request, self._verifier)  # identity: before any right is weighed; costs no backend call
        authorize(request)  # authorization: a caller without the right reaches no backend
        if request.endpoint is None:
            raise problems.Problem("not-found")
        return await request.endpoint.answer(request)  # the face: inputs are validated there, before anything runs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive, monotonic())
        open_context(request)  # context: before the guard, so that a refusal too has a request id to be found by
        self.in_flight += 1
        try:
            answer = await self._answered(request)
            await write(request, answer, send, closing=self.draining)
            self._log(request, answer.status, len(answer.body))
        except ClientGone:
            self._log(request, CLIENT_GONE, 0)
        finally:
            self.in_flight -= 1

    async def _answered(self, request: Request) -> Answer:
        """The answer, whatever happens: an expected error becomes its problem, a bug a 500 that tells nothing."""
        try:
            return await self._handle(request)
        except BffError as error:
            if isinstance(error, SectionFailed):
                request.outcomes = {error.section: error.outcome}
            return problems.of(error).answer(request.id)
        except ClientGone:
            raise
        except Exception:  # noqa: BLE001 - the one seam where a bug must become an answer
            _log.exception("a bug, request %s", request.id)
            return problems.Problem("internal").answer(request.id)

    def _log(self, request: Request, status: int, size: int) -> None:
        if self._access.on:
            self._access.line(access_line(request, status, size))
