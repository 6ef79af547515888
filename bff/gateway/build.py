"""From settings and a project to what a worker serves. `serve_project` is the factory that `bff serve` names."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from starlette.types import ASGIApp

from bff.apps import App
from bff.errors import Refusal
from bff.faces.action import ServedAction, Writes
from bff.faces.screen import ServedScreen
from bff.gateway.action_endpoint import ActionEndpoint
from bff.gateway.admin import admin_app
from bff.gateway.audit import Audited
from bff.gateway.cors import Cors
from bff.gateway.front import Front
from bff.gateway.graphql_endpoint import GraphQLEndpoint
from bff.gateway.guard import Guard
from bff.gateway.match import Routes
from bff.gateway.metrics import Metrics
from bff.gateway.pressure import Pressure, memory_share
from bff.gateway.problem_pages import ProblemPages
from bff.gateway.proxy import ProxyEndpoint
from bff.gateway.request import Endpoint
from bff.gateway.retired import Retired, retired_faults
from bff.gateway.route_faults import route_faults
from bff.gateway.saturation import Saturation
from bff.gateway.screen_endpoint import ScreenEndpoint
from bff.gateway.shed import Gate
from bff.gateway.stack import Stack
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
from bff.state.idempotency import Idempotency
from bff.upstream.upstreams import Upstreams
from bff.whole import load


class Gateway:
    """Everything a worker serves: the public stack over all apps, and the admin face (docs, GraphiQL)."""

    def __init__(self, settings: Settings, project: Project, *, access: AccessLog | None = None) -> None:
        self.settings = settings
        self.project = project
        self.access = access or (AccessLog.to(BackgroundWriter()) if settings.log.access else AccessLog(None))
        self.records = Records()
        self.tracing = _tracing(settings.traces)
        self.front = Front.of(settings, project.apps)
        self.upstreams = Upstreams.of(settings, self.front.nobody)
        self.pressure = _pressure(settings, project, self.upstreams)
        self.gate = Gate(self.pressure)
        self.screens: dict[App, list[ServedScreen]] = {
            app: [ServedScreen(plan, self.upstreams.clients, pressure=self.pressure) for plan in plans]
            for app, plans in project.plans.items()
        }
        self.writes = Writes()
        self._keys = keys = Idempotency(self.front.store)
        self.actions: dict[App, list[ServedAction]] = {
            app: [ServedAction(one, self.upstreams.clients, keys, writes=self.writes) for one in planned]
            for app, planned in project.actions.items()
        }
        self.endpoints = tuple(self._endpoints())
        others = [one for one in self.endpoints if not isinstance(one, ProxyEndpoint)]
        faults = [*route_faults(settings.routes, others), *retired_faults(settings.retired, self.endpoints)]
        if faults:
            raise Refusal(faults)
        self.quota = self.front.quota_of(settings, self.endpoints, project.absent)
        self._stack = self._public()
        self._warming: asyncio.Task[None] | None = None
        self.admin: ASGIApp = Audited(
            admin_app(self.screens, self.actions, inside=self.front.inside, tried=self._tried()), self.access
        )
        self._metrics = Metrics(
            self.records, self.upstreams.services, self.gate, self.access, self.tracing, self.quota, self.front.store
        )

    @property
    def public(self) -> ASGIApp:
        return self._stack

    @property
    def in_flight(self) -> int:
        """Requests being answered, and writes that go on although nobody waits for their answer."""
        return self._stack.in_flight + len(self.writes)

    async def startup(self) -> None:
        """Fetch the issuers' keys behind the first requests, not before them: a gateway starts with every backend down."""
        await self.front.start()
        self._warming = asyncio.create_task(self.front.identities.start())
        await self.upstreams.start()
        self.pressure.start()

    async def shutdown(self) -> None:
        self.pressure.stop()
        await self.writes.close(LAST_WORDS)  # those that drain and grace were too short for
        await self._keys.close()
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self.upstreams.close()
        await self.front.close()
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

    def _public(self) -> Stack:
        front, settings = self.front, self.settings
        return Stack(
            Routes(self.endpoints, Retired.of(settings.retired, self.project.apps)),
            Guard(settings.limits, settings.server.hosts, front.proxies),
            front.identities,
            self.access,
            cors=Cors(settings.apps),
            quota=self.quota,
            inside=front.inside,
            gate=self.gate,
            records=self.records,
            tracing=self.tracing,
        )

    def _tried(self) -> Stack:
        """What the docs' "try it" and GraphiQL call: the same endpoints from the pages' own origin, with introspection.

        A stack of its own, so that what is tried counts for nothing in the metrics and the limits.
        """
        routes = Routes(self._endpoints(introspection=True))
        front = self.front
        return Stack(routes, Guard(self.settings.limits), front.identities, self.access, inside=front.inside)

    def _endpoints(self, *, introspection: bool = False) -> Iterator[Endpoint]:
        limits = self.settings.limits
        for app, screens in self.screens.items():
            actions = self.actions.get(app, [])
            for screen in screens:
                yield ScreenEndpoint(app, screen)
            for action in actions:
                yield ActionEndpoint(app, action, limits)
            yield GraphQLEndpoint(app, screens, limits, actions=actions, introspection=introspection)
        for name, route in self.settings.routes.items():
            yield ProxyEndpoint(name, route, self.upstreams.services[route.service], limits)
        yield ProblemPages()


def _pressure(settings: Settings, project: Project, upstreams: Upstreams) -> Pressure:
    cuts = [plan.only(None) for plans in project.plans.values() for plan in plans]
    vital = {service for cut in cuts for step in cut.steps if step.index not in cut.spare for service in step.calls}
    vital.update(service for planned in project.actions.values() for one in planned for service in one.services)
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


def serve_project(apps: Iterable[str] = ()) -> Gateway:
    """The gateway of the project in this folder; raises Refusal with every fault."""
    return Gateway(*load(tuple(apps)))
