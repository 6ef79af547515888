"""From settings and a project to what a worker serves. `serve_project` is the factory that `bff serve` names."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from starlette.types import ASGIApp

from bff.apps import App
from bff.faces.screen import ServedScreen
from bff.gateway.admin import admin_app
from bff.gateway.audit import Audited
from bff.gateway.graphql_endpoint import GraphQLEndpoint
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.metrics import Metrics
from bff.gateway.pressure import Pressure, memory_share
from bff.gateway.problem_pages import ProblemPages
from bff.gateway.proxy import ProxyEndpoint
from bff.gateway.request import Endpoint
from bff.gateway.saturation import Saturation
from bff.gateway.screen_endpoint import ScreenEndpoint
from bff.gateway.shed import Gate
from bff.gateway.stack import Stack
from bff.identity.issuer import Issuer
from bff.identity.jwt import JwtVerifier
from bff.identity.key_document import http_fetch
from bff.observe.exposition import exposition
from bff.observe.figures import figures_of
from bff.observe.logs import LAST_WORDS, AccessLog
from bff.observe.records import Records
from bff.observe.sampling import Sampler
from bff.observe.sink import BackgroundWriter
from bff.observe.traces import OtlpSink, TraceExport
from bff.observe.tracing import Tracing
from bff.project import Project
from bff.settings import Settings, TraceSettings
from bff.upstream.upstreams import Upstreams
from bff.whole import load


class Gateway:
    """Everything a worker serves: the public stack over all apps, and the admin face (docs, GraphiQL)."""

    def __init__(self, settings: Settings, project: Project, *, access: AccessLog | None = None) -> None:
        self.settings = settings
        self.project = project
        self.upstreams = Upstreams.of(settings)
        self.access = access or (AccessLog.to(BackgroundWriter()) if settings.log.access else AccessLog(None))
        self.records = Records()
        self.tracing = _tracing(settings.traces)
        self.pressure = _pressure(settings, project, self.upstreams)
        self.gate = Gate(self.pressure)
        self.screens: dict[App, list[ServedScreen]] = {
            app: [ServedScreen(plan, self.upstreams.clients, pressure=self.pressure) for plan in plans]
            for app, plans in project.plans.items()
        }
        self._verifier = JwtVerifier(_issuers(settings), http_fetch())
        self._stack = self._stack_over(self._endpoints(), self.gate, self.records, self.tracing)
        self._warming: asyncio.Task[None] | None = None
        # The docs' "try it" and GraphiQL: the same screens from the pages' own origin, with introspection.
        # A stack of its own, so that what is tried counts for nothing in the metrics.
        tried = self._stack_over(self._endpoints(introspection=True))
        self.admin: ASGIApp = Audited(admin_app(self.screens, tried=tried), self.access)
        self._metrics = Metrics(self.records, self.upstreams.services, self.gate, self.access, self.tracing)

    @property
    def public(self) -> ASGIApp:
        return self._stack

    @property
    def in_flight(self) -> int:
        return self._stack.in_flight

    async def startup(self) -> None:
        """Fetch the issuers' keys behind the first requests, not before them: a gateway starts with every backend down."""
        self._warming = asyncio.create_task(self._verifier.warm())
        await self.upstreams.start()
        self.pressure.start()

    async def shutdown(self) -> None:
        self.pressure.stop()
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self.upstreams.close()
        await self._verifier.close()
        if self.tracing.export is not None:
            await asyncio.to_thread(self.tracing.export.close, LAST_WORDS)
        await self.access.close()

    def drain(self) -> None:
        self._stack.draining = True

    def stats(self) -> Mapping[str, object]:
        """Figures for /stats on the admin port."""
        return {
            "services": {
                name: figures_of(service.stats, self.records.blamed.get(name, 0))
                for name, service in self.upstreams.services.items()
            },
            "accessLinesDropped": self.access.dropped,
        }

    async def metrics(self) -> bytes | None:
        """This worker's page for Prometheus; None when it is switched off."""
        return await exposition(self._metrics.families()) if self.settings.metrics.on else None

    def _stack_over(
        self,
        endpoints: Iterable[Endpoint],
        gate: Gate | None = None,
        records: Records | None = None,
        tracing: Tracing | None = None,
    ) -> Stack:
        return Stack(
            Routes(endpoints),
            Guard(self.settings.limits),
            Identities(self._verifier),
            self.access,
            gate=gate,
            records=records,
            tracing=tracing,
        )

    def _endpoints(self, *, introspection: bool = False) -> Iterator[Endpoint]:
        for app, screens in self.screens.items():
            for screen in screens:
                yield ScreenEndpoint(app, screen)
            yield GraphQLEndpoint(app, screens, self.settings.limits, introspection=introspection)
        for name, route in self.settings.routes.items():
            yield ProxyEndpoint(name, route, self.upstreams.services[route.service], self.settings.limits)
        yield ProblemPages()


def _pressure(settings: Settings, project: Project, upstreams: Upstreams) -> Pressure:
    cuts = [plan.only(None) for plans in project.plans.values() for plan in plans]
    vital = {service for cut in cuts for step in cut.steps if step.index not in cut.spare for service in step.calls}
    vital.update(route.service for route in settings.routes.values())
    counts = {name: service.stats for name, service in upstreams.services.items()}
    memory = memory_share(settings.server.workers)
    return Pressure(settings.shed, Saturation(counts, frozenset(vital)), memory=memory)


def _tracing(settings: TraceSettings) -> Tracing:
    """Traces are kept where a collector is named; without one nothing of them is loaded or decided."""
    endpoint = settings.endpoint
    if endpoint is None:
        return Tracing()
    export = TraceExport(lambda: OtlpSink(endpoint, settings.service))
    return Tracing(Sampler(settings.ratio, settings.per_second), export, slow=settings.slow)


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
    return Gateway(*load(tuple(apps)))
