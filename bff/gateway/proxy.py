"""A plain route: one path of ours to one path of a backend, body and answer passed on, headers by allow-list."""

from time import monotonic

from bff.apps import Identity
from bff.deadline import Deadline
from bff.errors import BackendError
from bff.faces.answer import Answer
from bff.gateway.body import read_body
from bff.gateway.context import REQUEST_ID
from bff.gateway.request import Request
from bff.gateway.screen_endpoint import budget_of
from bff.gateway.watch import while_connected
from bff.priority import Priority
from bff.settings import LimitSettings, RouteSettings
from bff.upstream.call import PLAIN, SAFE_METHODS, Call, Headers, Reply
from bff.upstream.scope import CallRecord
from bff.upstream.service import Service

# What goes on to a backend and what comes back. Allow-lists: a header nobody thought of stays here (S062-S074, S102).
_ON = frozenset({b"accept", b"content-type", b"accept-language", b"if-none-match"})
# With it a backend may tell a write that is sent again from another one. It is the client's promise, not ours: we send once.
_ON_WRITES = _ON | {b"idempotency-key"}
_BACK = frozenset({b"content-language", b"etag", b"last-modified", b"retry-after"})


class ProxyEndpoint:
    """One [routes.NAME] of bff.toml."""

    counted = True

    def __init__(self, name: str, route: RouteSettings, service: Service, limits: LimitSettings) -> None:
        self.name = f"routes/{name}"
        self.app = route.app
        self.owner = route.owner
        self.account = route.account
        self.identities: frozenset[Identity] = frozenset({"bearer", "api_key"} if route.api_keys else {"bearer"})
        self.template = route.path
        self.methods = tuple(route.methods)
        self.guests = route.guests
        self.scopes = frozenset(route.scopes)
        self.priority: Priority = route.priority
        self._to = route.to
        self._service = service
        self._max_body = limits.max_body

    async def answer(self, request: Request) -> Answer:
        safe = request.method in SAFE_METHODS
        timeout, budget = self._service.timeout, budget_of(request)
        left = timeout if budget is None else min(timeout, budget)
        body = b"" if safe else await read_body(request, self._max_body)
        query: bytes = request.scope["query_string"]
        call = Call(
            self._service.name,
            request.method,
            f"{self._to}?{query.decode('latin-1')}" if query else self._to,
            Deadline.after(left),
            self._on(request, _ON if safe else _ON_WRITES),
            body,
            policy=PLAIN.once() if request.work.repeated else PLAIN,
            trace=request.work.trace,
        )
        sending = self._recorded(request, call)
        # a write in progress is not cut when the client goes: nobody could tell whether it was done
        return _back(await (while_connected(request.receive, sending) if safe else sending))

    def _on(self, request: Request, kept: frozenset[bytes]) -> Headers:
        own = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers if name in kept)
        tell = request.work.tell
        who = () if tell is None else tell(self._service.name)
        return (*own, (REQUEST_ID.decode(), request.id), *who)

    async def _recorded(self, request: Request, call: Call) -> Reply:
        record = CallRecord(call.service, call.method, self._to, monotonic(), attempts=call.attempts)
        request.work.records.append(record)
        try:
            reply = await self._service.sender.send(call)
            record.result = str(reply.status)
            return reply
        except BackendError as error:
            record.result = error.reason
            raise
        finally:
            record.ended = monotonic()


def _back(reply: Reply) -> Answer:
    headers = [(name, value) for name, value in reply.headers if name in _BACK]
    return Answer(reply.status, reply.body, reply.header(b"content-type") or b"application/octet-stream", headers)
