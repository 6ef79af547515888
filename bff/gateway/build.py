"""From settings and a project to what a worker serves. `serve_project` is the factory that `bff serve` names."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from starlette.types import ASGIApp

from bff import project as projects
from bff import settings as settings_module
from bff.apps import App
from bff.faces.screen import ServedScreen
from bff.gateway.admin import admin_app
from bff.gateway.graphql_endpoint import GraphQLEndpoint
from bff.gateway.match import Routes
from bff.gateway.problem_pages import ProblemPages
from bff.gateway.proxy import ProxyEndpoint
from bff.gateway.request import Endpoint
from bff.gateway.screen_endpoint import ScreenEndpoint
from bff.gateway.stack import Stack
from bff.identity.issuer import Issuer
from bff.identity.jwt import JwtVerifier
from bff.identity.key_document import http_fetch
from bff.observe.logs import AccessLog
from bff.project import Project
from bff.settings import Settings
from bff.upstream.upstreams import Upstreams


class Gateway:
    """Everything a worker serves: the public stack over all apps, and the admin face (docs, GraphiQL)."""

    def __init__(self, settings: Settings, project: Project, *, access: AccessLog | None = None) -> None:
        self.settings = settings
        self.project = project
        self.upstreams = Upstreams.of(settings)
        self.access = access or (AccessLog() if settings.log.access else AccessLog(None))
        self.screens: dict[App, list[ServedScreen]] = {
            app: [ServedScreen(plan, self.upstreams.clients) for plan in plans] for app, plans in project.plans.items()
        }
        self._verifier = JwtVerifier(_issuers(settings), http_fetch())
        self._stack = self._stack_over(self._endpoints())
        self._warming: asyncio.Task[None] | None = None
        # The docs' "try it" and GraphiQL: the same screens from the pages' own origin, with introspection.
        self.admin: ASGIApp = admin_app(self.screens, tried=self._stack_over(self._endpoints(introspection=True)))

    @property
    def public(self) -> ASGIApp:
        return self._stack

    @property
    def in_flight(self) -> int:
        return self._stack.in_flight

    async def startup(self) -> None:
        """Fetch the issuers' keys behind the first requests, not before them: a gateway starts with every backend down."""
        self._warming = asyncio.create_task(self._verifier.warm())

    async def shutdown(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self.upstreams.close()
        await self._verifier.close()
        self.access.flush()

    def drain(self) -> None:
        self._stack.draining = True

    def stats(self) -> Mapping[str, object]:
        """Figures for /stats on the admin port."""
        return {
            "services": {name: service.stats() for name, service in self.upstreams.services.items()},
            "accessLinesDropped": self.access.dropped,
        }

    def _stack_over(self, endpoints: Iterable[Endpoint]) -> Stack:
        return Stack(Routes(endpoints), self._verifier, self.settings.limits, self.access)

    def _endpoints(self, *, introspection: bool = False) -> Iterator[Endpoint]:
        for app, screens in self.screens.items():
            for screen in screens:
                yield ScreenEndpoint(app, screen)
            yield GraphQLEndpoint(app, screens, self.settings.limits, introspection=introspection)
        for route in self.settings.routes.values():
            yield ProxyEndpoint(route, self.upstreams.services[route.service], self.settings.limits)
        yield ProblemPages()


def _issuers(settings: Settings) -> list[Issuer]:
    return [
        Issuer(
            name=found.issuer,
            audience=found.audience,
            algorithms=tuple(found.algorithms),
            jwks_url=found.jwks_url,
            typ=tuple(found.typ),
            tenant_claim=found.tenant_claim,
            allow_http=found.allow_http,
        )
        for found in settings.issuers.values()
    ]


def serve_project(apps: Iterable[str] = ()) -> Gateway:
    """The gateway of the project in this folder; raises Refusal with every fault."""
    settings = settings_module.load()
    return Gateway(settings, projects.load(settings.composers, settings.services, only=tuple(apps)))
