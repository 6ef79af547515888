"""Settings and composers, held against each other."""

import pytest

from bff import App, Client, Screen, View, needs, section
from bff.composition.action_plan import plan_action
from bff.composition.build import plan_of
from bff.errors import Refusal
from bff.project import Project
from bff.service_settings import ServiceSettings
from bff.settings import AppSettings, RouteSettings, Settings
from bff.whole import load, timeouts_out_of_reach, unknown_apps
from tests.gateway.action_kit import place_order


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


def test_an_action_can_wait_for_longer_than_any_screen() -> None:
    planned = plan_action(place_order)
    patient = Project((APP,), PROJECT.plans, (), {APP: (planned,)})
    slow = ServiceSettings(instances=["http://127.0.0.1:9"], timeout=planned.action.budget)
    longer = Settings(services=dict.fromkeys(planned.services, slow))
    assert not list(timeouts_out_of_reach(longer, patient))
    too_long = ServiceSettings(instances=["http://127.0.0.1:9"], timeout=planned.action.budget + 1)
    assert list(timeouts_out_of_reach(Settings(services=dict.fromkeys(planned.services, too_long)), patient))


def test_settings_of_an_app_that_nobody_declares_are_refused() -> None:
    route = ROUTE.model_copy(update={"app": "tv"})
    given = Settings(services=settings().services, routes={"users": route}, apps={"wbe": AppSettings()})
    assert list(unknown_apps(given, PROJECT)) == [
        "apps.wbe: there is no app 'wbe'; there is: app",
        "routes.users.app: there is no app 'tv'; there is: app",
    ]
    elsewhere = Project(PROJECT.apps, PROJECT.plans, (), absent=frozenset({"tv", "wbe"}))
    assert not list(unknown_apps(given, elsewhere))


def test_what_does_not_fit_is_refused_when_the_whole_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_APPS__WBE__CREDENTIALS", "false")
    with pytest.raises(Refusal, match=r"apps\.wbe: there is no app 'wbe'"):
        load()


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
