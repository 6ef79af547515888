"""A screen behind its REST path: the fast dispatcher's way to `serve`, without FastAPI's per-request machinery."""

from time import monotonic
from typing import Final
from urllib.parse import parse_qsl

from bff.apps import App
from bff.composition.inputs import BadInput, InputFault
from bff.faces.answer import Answer
from bff.faces.problems import Problem
from bff.faces.screen import Raw, ServedScreen, serve
from bff.gateway.accept import refuse_unless_json
from bff.gateway.context import REQUEST_ID
from bff.gateway.request import Request
from bff.gateway.watch import while_connected
from bff.priority import Priority
from bff.upstream.scope import RequestScope

REQUEST_TIMEOUT: Final = b"request-timeout"
_REQUEST_ID: Final = REQUEST_ID.decode()

# More parameters than any screen has are not a question but an attack on the parser.
MAX_PARAMETERS = 100
# A client's hint longer than this is a typing error (S073: an hour is capped to the screen's own budget anyway).
_MAX_DIGITS = 9


class ScreenEndpoint:
    """One screen of one app."""

    methods = ("GET", "HEAD")
    counted = True
    account = None

    def __init__(self, app: App, served: ServedScreen) -> None:
        self.app = app.name
        self.name = f"{app.name}/{served.screen.name}"
        self.owner = app.owner
        self.identities = frozenset(app.identities)
        self.served = served
        self.template = app.path(served.screen.path)
        self.guests = served.screen.guests
        self.scopes = served.screen.scopes
        self.priority: Priority = served.screen.priority

    async def answer(self, request: Request) -> Answer:
        refuse_unless_json(request)
        raw = raw_of(request)
        request.runs = raw.runs
        answer = await while_connected(request.receive, serve(self.served, raw))
        request.outcomes = answer.outcomes
        return answer


def raw_of(request: Request) -> Raw:
    """The request as `serve` takes it."""
    raw = Raw(request.path, pairs_of(request), request.caller, work_of(request))
    if REQUEST_TIMEOUT in request.given:
        try:
            raw.budget = read_budget(request)
        except BadInput as bad:
            raw.faults = bad.faults
    return raw


def pairs_of(request: Request) -> list[tuple[str, str]]:
    """The query's parameters, decoded once; raises the 400 problem for a query that is not readable."""
    query: bytes = request.scope["query_string"]
    if not query:
        return []
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except (UnicodeDecodeError, ValueError):
        raise Problem("bad-request", f"the query is not readable, or has more than {MAX_PARAMETERS} parameters") from None


def work_of(request: Request) -> RequestScope:
    """What the calls of a request share; its id goes on with each of them."""
    work = request.work
    work.headers = ((_REQUEST_ID, request.id),)
    return work


def budget_of(request: Request) -> float | None:
    """What is left of the client's own budget, in seconds; raises the 400 problem for nonsense."""
    try:
        return read_budget(request)
    except BadInput as bad:
        raise Problem("bad-request", f"{bad.faults[0].name} {bad.faults[0].detail}") from None


def read_budget(request: Request) -> float | None:
    """What is left of the client's own budget, in seconds; raises BadInput, for who tells all faults in one go.

    `Request-Timeout` (milliseconds) counts from the request's arrival: identity and the body have had their share of it.
    """
    given = request.header(REQUEST_TIMEOUT)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= _MAX_DIGITS) or int(given) == 0:
        raise BadInput([InputFault("Request-Timeout", "is a whole number of milliseconds above 0")])
    return max(0.0, int(given) / 1000 - (monotonic() - request.started))
