"""REST as FastAPI declares it: every screen and action of an app a route, documented, validated, answered by the one `serve`.

In production a screen is dispatched to `serve` without FastAPI (bff/gateway/screen_endpoint.py). What stands here is the
documented behaviour, and it watches over itself: whenever FastAPI's judgement of a request's inputs is not ours, the
request ends in a Disagreement, which is a 500 and a red test.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request as HttpRequest
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from bff.apps import App
from bff.composition.inputs import BadInput
from bff.errors import BffError
from bff.faces import openapi_screen, problems, wanted
from bff.faces.action import ServedAction
from bff.faces.action_rest import RawAction, serve_action
from bff.faces.answer import Answer
from bff.faces.openapi_action import DocumentedAction
from bff.faces.openapi_schemas import Schema
from bff.faces.problems import Problem
from bff.faces.rest_signature import given, signature_of
from bff.faces.screen import Raw, ServedScreen, serve

# What the gateway tells of a request: the raw form that `serve` takes (or a Problem is raised: who asks and what they
# accept is judged there), and the ids of the request and of its trace.
RawOf = Callable[[HttpRequest], Raw]
IdsOf = Callable[[HttpRequest], tuple[str, str]]

# What the gateway tells of a request for an action.
RawActionOf = Callable[[HttpRequest], Awaitable[RawAction]]


class Disagreement(RuntimeError):
    """FastAPI and `serve` judge the same inputs differently: what is documented is not what is done."""


class ScreenRoute:
    """One screen as FastAPI calls it: the signature is made from the plan's inputs."""

    def __init__(self, served: ServedScreen, raw_of: RawOf) -> None:
        self.served = served
        self.raw_of = raw_of
        self.__signature__ = signature_of(served)

    async def __call__(self, request: HttpRequest, **values: object) -> Response:
        raw = self.raw_of(request)
        self._compare(raw, given(self.served, values))
        return response_of(await serve(self.served, raw))

    def refusal(self, request: HttpRequest) -> BffError:
        """Ours, for a request that FastAPI's validation has refused; raises Disagreement when ours would serve it."""
        try:
            raw = self.raw_of(request)
            wanted.read(self.served, raw)
        except BffError as error:
            return error
        raise Disagreement(f"{self.served.screen.place}: FastAPI refuses what `serve` takes: {request.url}")

    def _compare(self, raw: Raw, theirs: dict[str, object]) -> None:
        """FastAPI has taken the inputs as `theirs`: hold that `serve` takes them too, as the same values.

        What only `serve` judges is left to it: unknown and doubled names, `sections` and `fields`.
        """
        try:
            _, ours = wanted.read(self.served, raw)
        except BadInput as error:
            seen = [fault.name for fault in error.faults if self._seen_by_fastapi(fault.name, raw)]
            if seen:
                raise Disagreement(f"{self.served.screen.place}: FastAPI takes {seen}, `serve` does not") from error
            return
        if repr(ours) != repr(theirs):  # repr, so that 1 and 1.0 and True differ and nan is nan
            raise Disagreement(f"{self.served.screen.place}: FastAPI reads {theirs!r} where `serve` reads {ours!r}")

    def _seen_by_fastapi(self, fault: str, raw: Raw) -> bool:
        name = fault.split(".")[0]
        times = sum(key == name for key, _ in raw.query) + (name in raw.path)
        return name in self.served.inputs.names and (times <= 1 or self.served.inputs.is_list(name))


def fastapi_app(
    app: App,
    screens: Sequence[ServedScreen],
    *,
    raw_of: RawOf,
    ids_of: IdsOf,
    actions: Sequence[ServedAction] = (),
    raw_action_of: RawActionOf | None = None,
    bodies: Mapping[str, Schema] | None = None,
) -> FastAPI:
    """FastAPI over every screen and action of `app`; it serves no docs of its own (bff/faces/openapi.py makes the document).

    `bodies` are the schemas of the actions' bodies by the actions' names, for the document.
    """
    api = FastAPI(title=app.title or app.name, version=app.version, openapi_url=None, docs_url=None, redirect_slashes=False)
    for served in screens:
        route = ScreenRoute(served, raw_of)
        documented = openapi_screen.Documented(app, served)
        api.get(documented.path, **documented.as_fastapi())(route)
        api.head(documented.path, name=documented.name, include_in_schema=False)(route)
    for done in actions:
        told = DocumentedAction(app, done, (bodies or {}).get(done.action.name))
        api.api_route(told.path, **told.as_fastapi())(ActionRoute(done, raw_action_of or _unread))
    _write_problems(api, ids_of)
    return api


async def _unread(request: HttpRequest) -> RawAction:
    raise RuntimeError(f"nobody has said how a request for an action is read, so {request.url.path} cannot be served")


class ActionRoute:
    """One action as FastAPI calls it. Its body is judged once, by us: what is documented of it is that very model's schema."""

    def __init__(self, served: ServedAction, raw_of: RawActionOf) -> None:
        self.served = served
        self.raw_of = raw_of

    async def __call__(self, request: HttpRequest) -> Response:
        return response_of(await serve_action(self.served, await self.raw_of(request)))


def _write_problems(api: FastAPI, ids_of: IdsOf) -> None:
    """Every error is the problem document that the gateway would write, byte for byte."""

    def problem(request: HttpRequest, error: BffError) -> Response:
        return response_of(problems.of(error).answer(*ids_of(request)))

    @api.exception_handler(RequestValidationError)
    async def refused(request: HttpRequest, error: RequestValidationError) -> Response:
        route = request.scope["endpoint"]
        if not isinstance(route, ScreenRoute):
            raise error
        return problem(request, route.refusal(request))

    @api.exception_handler(BffError)
    async def failed(request: HttpRequest, error: BffError) -> Response:
        return problem(request, error)

    @api.exception_handler(HTTPException)
    async def unrouted(request: HttpRequest, error: HTTPException) -> Response:
        if error.status_code == 405:
            methods = ", ".join(_methods_at(api, request))
            allow = [(b"allow", methods.encode())]
            return problem(request, Problem("method-not-allowed", f"allowed: {methods}", headers=allow))
        return problem(request, Problem("not-found", "no screen or route has this path"))

    @api.exception_handler(Exception)
    async def broken(request: HttpRequest, error: Exception) -> Response:
        return problem(request, Problem("internal"))  # Starlette raises `error` again, for whoever serves this to log


def _methods_at(api: FastAPI, request: HttpRequest) -> list[str]:
    """Of all routes of the path; Starlette names those of the first one alone."""
    here = [route for route in api.routes if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE]
    return list(dict.fromkeys(method for route in here for method in sorted(route.methods or ())))


def response_of(answer: Answer) -> Response:
    """An Answer as Starlette sends it."""
    response = Response(answer.body, answer.status, media_type=answer.content_type.decode())
    response.raw_headers.extend(answer.headers)
    return response
