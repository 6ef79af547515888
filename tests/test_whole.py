"""Settings and composers, held against each other."""

import pytest

from bff import App, Client, Screen, View, needs, section
from bff.composition.build import plan_of
from bff.project import Project
from bff.service_settings import ServiceSettings
from bff.settings import RouteSettings, Settings
from bff.whole import timeouts_out_of_reach


class Users(Client, service="users"):
    async def name(self) -> str:
        return await self.get("/name", str)


class Page(View):
    name: str


@section()
async def name(users: Users) -> str:
    return await users.name()


APP = App("app")
SCREENS = (
    Screen("/quick", Page(name=needs(name)), apps=(APP,), budget=0.5),
    Screen("/slow", Page(name=needs(name)), apps=(APP,), budget=2.0),
)
PROJECT = Project((APP,), {APP: tuple(plan_of(screen) for screen in SCREENS)}, ())
ROUTE = RouteSettings(path="/users", service="users", to="/users")


def settings(*, routes: dict[str, RouteSettings] | None = None, **given: float) -> Settings:
    users = ServiceSettings.model_validate({"instances": ["http://127.0.0.1:9"], **given})
    return Settings(services={"users": users}, routes=routes or {})


def test_a_timeout_that_no_screen_can_wait_for_is_refused() -> None:
    (fault,) = timeouts_out_of_reach(settings(timeout=2.5), PROJECT)
    assert fault == (
        "services.users.timeout = 2.5 is over the budget of all that calls it (the largest is 2.0 s), so it would "
        "never ring; lower it, or raise a budget"
    )


@pytest.mark.parametrize(
    "fits", [settings(timeout=2.0), settings(timeout=1.0), settings(), settings(timeout=2.5, routes={"users": ROUTE})]
)
def test_one_that_some_screen_or_a_plain_route_can_wait_for_is_taken(fits: Settings) -> None:
    assert not list(timeouts_out_of_reach(fits, PROJECT))
