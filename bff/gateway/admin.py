"""The admin listener's pages: what there is, the REST docs, GraphiQL, and the documents behind them. Off the hot path.

Everything comes from this listener: no page loads, and no page may load, anything from elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bff.apps import App
from bff.composition.render import to_json
from bff.faces.action import ServedAction
from bff.faces.screen import ServedScreen
from bff.gateway.admin_index import index_page
from bff.gateway.admin_pages import ASSETS, page
from bff.identity.inside_page import inside_routes
from bff.identity.internal_token import Inside

# Only this listener's own scripts, styles and answers. Styles may stand in elements (Swagger UI sizes its icons so), and
# pictures in addresses (its icons are); scripts may not, so that a description with a script in it stays a text.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",  # a page after a reload is the new worker's
}

Screens = Mapping[App, Sequence[ServedScreen]]
Actions = Mapping[App, Sequence[ServedAction]]


def admin_app(
    screens: Screens, actions: Actions | None = None, *, inside: Inside | None = None, tried: ASGIApp | None = None
) -> ASGIApp:
    """The admin face over the screens and actions of every app, with the key set that backends check `inside` tokens with.

    `tried` is what the pages call when a reader tries a screen or a query: a gateway over the same screens, with the
    same identities, whose GraphQL allows introspection. It stands under each app's own paths and under /graphql/{app};
    without it the pages only show.
    """
    pages = Pages(screens, actions or {}, can_try=tried is not None)
    routes = [
        Route("/", pages.index),
        Route("/docs/{app}", pages.docs),
        Route("/openapi/{app}.json", pages.openapi),
        Route("/graphiql/{app}", pages.graphiql),
        Route("/schema/{app}.graphql", pages.sdl),
        Route("/assets/{name}", pages.asset),
        *inside_routes(inside),
    ]
    if tried is not None:
        for app in screens:
            routes.append(Route(f"/graphql/{app.name}", _Elsewhere(tried, app.graphql_path)))
            routes.append(Route(f"{app.prefix}/{{rest:path}}", _Elsewhere(tried)))
    return Starlette(routes=routes, exception_handlers={HTTPException: _nothing})


class Pages:
    """One method a page. They are plain functions, so that Starlette runs them beside the loop that serves screens."""

    def __init__(self, screens: Screens, actions: Actions, *, can_try: bool) -> None:
        self._screens = screens
        self._actions = actions
        self._apps = {app.name: app for app in screens}
        self._can_try = can_try
        self._made: dict[str, bytes] = {}  # by path: one OpenAPI document and one schema an app

    def index(self, request: HttpRequest) -> Response:
        return HTMLResponse(index_page(self._screens), headers=HEADERS)

    def docs(self, request: HttpRequest) -> Response:
        return self._page("docs.html", request)

    def graphiql(self, request: HttpRequest) -> Response:
        return self._page("graphiql.html", request)

    def openapi(self, request: HttpRequest) -> Response:
        from bff.faces.openapi import openapi  # a worker that is never asked need not load it

        app = self._app(request)
        return self._document(
            request, "application/json", lambda: to_json(openapi(app, self._screens[app], self._actions.get(app, ())))
        )

    def sdl(self, request: HttpRequest) -> Response:
        from bff.faces.graphql import build_schema  # as above

        app = self._app(request)
        actions = self._actions.get(app, ())
        return self._document(request, "text/plain", lambda: build_schema(app, self._screens[app], actions).sdl().encode())

    def asset(self, request: HttpRequest) -> Response:
        asset = ASSETS.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        return FileResponse(asset.path, media_type=asset.media_type, headers=HEADERS)

    def _page(self, name: str, request: HttpRequest) -> Response:
        app = self._app(request)
        text = page(name, app=app.name, title=app.title or app.name, tried="yes" if self._can_try else "no")
        return HTMLResponse(text, headers=HEADERS)

    def _document(self, request: HttpRequest, media_type: str, make: Callable[[], bytes]) -> Response:
        """Made when first asked for, and kept: screens do not change while a worker lives."""
        path = request.url.path
        if path not in self._made:
            self._made[path] = make()
        return Response(self._made[path], media_type=media_type, headers=HEADERS)

    def _app(self, request: HttpRequest) -> App:
        app = self._apps.get(request.path_params["app"])
        if app is None:
            raise HTTPException(404)
        return app


class _Elsewhere:
    """Passes a request on to `app`, under `path` if one is given."""

    def __init__(self, app: ASGIApp, path: str | None = None) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._path is not None:
            scope = {**scope, "path": self._path, "raw_path": self._path.encode()}
        await self._app(scope, receive, send)


def _nothing(request: HttpRequest, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return PlainTextResponse("There is no such page. What there is: /\n", status, headers=HEADERS)
