"""A project's composers: what is imported, what is collected, and how each way of going wrong is told."""

import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bff import App, project
from bff.errors import Refusal

APPS = "from bff import App\nmobile = App('mobile')\nweb = App('web')\n"

SCREEN = """
from dataclasses import dataclass
from bff import Client, Screen, needs, section
from {package}.apps import mobile, web

class Users(Client, service="users"):
    async def name(self) -> str: ...

@dataclass
class Page:
    head: str

@section()
async def head(users: Users) -> str:
    return await users.name()

screen = Screen("/{path}", Page(needs(head)), apps=({apps},))
"""

Write = Callable[..., str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a composers package of these modules, importable for the one test, and gives its name."""
    name = f"composers_{tmp_path.name.replace('-', '_')}"
    before = list(sys.path)

    def write(**modules: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        for module, text in {"__init__": "", **modules}.items():
            (folder / f"{module}.py").write_text(text.replace("{package}", name))
        return name

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield write
    sys.path[:] = before
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def screen(path: str, apps: str = "mobile") -> str:
    return SCREEN.replace("{path}", path).replace("{apps}", apps)


def refused(name: str, *services: str, only: tuple[str, ...] = ()) -> tuple[str, ...]:
    with pytest.raises(Refusal) as caught:
        project.load(name, services or ["users"], only=only)
    return caught.value.faults


def test_every_module_is_read_and_each_app_has_its_screens(package: Write) -> None:
    name = package(apps=APPS, home=screen("home", "mobile, web"), search=screen("search"), _shared="1 / 0")
    found = project.load(name, ["users"])
    assert [app.name for app in found.apps] == ["mobile", "web"]
    names = {app.name: [plan.screen.name for plan in plans] for app, plans in found.plans.items()}
    assert names == {"mobile": ["home", "search"], "web": ["home"]}
    assert found.plan("web", "home") is found.plan("mobile", "home")


def test_only_the_named_apps_are_kept_and_all_screens_are_checked(package: Write) -> None:
    name = package(apps=APPS, home=screen("home", "mobile, web"), search=screen("search"))
    found = project.load(name, ["users"], only=["web"])
    assert [app.name for app in found.apps] == ["web"]
    assert [plan.screen.name for plan in found.plans[found.apps[0]]] == ["home"]
    assert refused(name, "other", only=("web",)) != ()


def test_an_app_that_is_not_there_is_told_with_those_that_are(package: Write) -> None:
    name = package(apps=APPS, home=screen("home"))
    assert refused(name, only=("mobil",)) == ("there is no app 'mobil'; there is: mobile, web",)
    found = project.load(name, ["users"])
    with pytest.raises(Refusal, match="there is no app 'tv'; there is: mobile, web"):
        found.plan("tv", "home")
    with pytest.raises(Refusal, match="mobile has no screen 'nope'; it has: home"):
        found.plan("mobile", "nope")


@pytest.mark.parametrize("missing", ["no_such_package", "no_such_package.inner"])
def test_a_package_that_is_not_there_is_told_with_the_folder(missing: str, package: Write, tmp_path: Path) -> None:
    assert refused(missing) == (f"there is no package '{missing}' here ({tmp_path}); run in the project's folder",)


@pytest.mark.parametrize(
    ("text", "kind", "last_line"),
    [
        ("import nothing_of_this_name", ModuleNotFoundError, "import nothing_of_this_name"),
        ("from {package}.apps import nothing", ImportError, "from {package}.apps import nothing"),
        ("x = 1 / 0", ZeroDivisionError, "x = 1 / 0"),
    ],
)
def test_an_error_inside_a_composer_shows_as_it_is_with_its_line(
    text: str, kind: type[Exception], last_line: str, package: Write
) -> None:
    name = package(apps=APPS, home=screen("home"), broken=text)
    with pytest.raises(kind) as caught:
        project.load(name, ["users"])
    # pact, which other tests of this run import, puts a function of its own before every import
    frame = [frame for frame in traceback.extract_tb(caught.value.__traceback__) if "site-packages" not in frame.filename][-1]
    assert frame.filename.endswith("broken.py")
    assert frame.line == last_line.replace("{package}", name)


def test_an_error_inside_the_package_itself_is_not_taken_for_its_absence(package: Write) -> None:
    name = package(__init__="import nothing_of_this_name", apps=APPS)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        project.load(name, ["users"])


def test_what_stands_twice_is_refused_with_both_places(package: Write) -> None:
    name = package(
        apps=APPS + "again = App('mobile')\nelse_where = App('tv', prefix='/web/')\n",
        home=screen("home"),
        other=screen("home"),
        items=screen("items/{a}"),
        things=screen("items/{b}"),
    )
    told = refused(name)
    assert "App('mobile') is declared twice; give each a name of its own" in told
    assert "App('tv'): its prefix '/web' is App('web')'s too; change one" in told
    twice = [fault for fault in told if "its path '/home' is" in fault]
    assert len(twice) == 1
    assert twice[0].startswith(f"{name}/other.py:")
    assert f"{name}/home.py:" in twice[0]
    assert any("its path '/items/{}' is" in fault for fault in told)


def test_one_screen_imported_by_another_module_is_one_screen(package: Write) -> None:
    name = package(apps=APPS, home=screen("home"), start="from {package}.home import screen as start\n")
    assert [plan.screen.name for plan in project.load(name, ["users"]).plans[App("mobile")]] == ["home"]


def test_a_package_without_apps_and_screens_that_cannot_be_served_are_told_together(package: Write) -> None:
    stray = "from bff import Screen\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    a: int\n"
    name = package(home=stray + "screen = Screen('home', P(1), apps=())\n")
    told = refused(name)
    assert f"{name}: declares no App; write `mobile = App('mobile')` in {name}/apps.py" in told
    assert f"{name}/home.py:6 Screen('home'): its path must begin with /" in told
    assert f"{name}/home.py:6 Screen('home'): no app has it; pass apps=(...)" in told


def test_an_app_of_another_package_is_refused(package: Write) -> None:
    name = package(apps=APPS, home=screen("home", "mobile, __import__('bff').App('tv')"))
    assert any("app 'tv' is not in the composers package; declare it in apps.py" in fault for fault in refused(name))


@pytest.mark.parametrize("name", ["", "Mobile", "1st", "a b", "a" * 32, "mobile\n", "mobile/x"])
def test_an_app_has_a_short_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="a name is lower case"):
        App(name)


def test_an_app_lives_under_its_prefix() -> None:
    assert (App("mobile").path("/home"), App("mobile").graphql_path) == ("/mobile/v1/home", "/mobile/graphql")
    odd = App("mobile", prefix="/apps/m/", version="v2")
    assert (odd.path("/home"), odd.graphql_path) == ("/apps/m/v2/home", "/apps/m/graphql")
