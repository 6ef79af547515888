"""A gateway as it is built: its public face sheds, its admin face does not, and it knows which services it must keep."""

import asyncio

import pytest

from bff import App, Client, Screen, View, needs, section
from bff.composition.build import plan_of
from bff.composition.relief import Relief
from bff.errors import Refusal
from bff.gateway.build import Gateway
from bff.gateway.pressure import BEAT
from bff.observe.logs import AccessLog
from bff.project import Project
from bff.service_settings import ServiceSettings
from bff.settings import RouteSettings, Settings, ShedSettings

SHOP = App("shop")


class Orders(Client, service="orders"):
    async def read(self) -> str:
        return await self.get("/", str)


class Reviews(Client, service="reviews"):
    async def read(self) -> str:
        return await self.get("/", str)


class Page(View):
    head: str
    body: str | None


@section()
async def head(orders: Orders) -> str:
    return await orders.read()


@section(fallback=None)
async def body(reviews: Reviews) -> str:
    return await reviews.read()


def gateway(route: str = "/login") -> Gateway:
    nobody = ServiceSettings(instances=["http://127.0.0.1:1"])
    login = RouteSettings(path=route, service="users", to="/login", guests=True, priority="critical")
    settings = Settings(
        services={"orders": nobody, "reviews": nobody, "users": nobody},
        routes={"login": login},
        shed=ShedSettings(max_in_flight=10),
    )
    plan = plan_of(Screen("/page", Page(needs(head), needs(body)), apps=(SHOP,), guests=True))
    return Gateway(settings, Project((SHOP,), {SHOP: (plan,)}, ()), access=AccessLog(None))


async def test_the_services_that_are_kept_are_those_of_required_sections_and_of_routes() -> None:
    built = gateway()
    await built.startup()
    try:
        for service in built.upstreams.services.values():
            service.stats.limit = service.stats.in_flight = 1
        async with asyncio.timeout(20 * BEAT):
            while built.pressure.relief is None:  # noqa: ASYNC110 - a number that is read has no event
                await asyncio.sleep(BEAT / 10)
        assert built.pressure.relief == Relief(overload=False, saturated=frozenset({"orders", "users"}))
    finally:
        await built.shutdown()


@pytest.mark.parametrize(
    ("route", "fault"), [("/shop/v1/page", "GET /shop/v1/page is shop/page's already"), ("/a//b", "could be read in two ways")]
)
def test_a_route_that_nobody_would_reach_is_refused(route: str, fault: str) -> None:
    with pytest.raises(Refusal, match=fault):
        gateway(route)
