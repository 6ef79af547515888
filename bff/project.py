"""A project's composers: every module imported, every App, Screen, Action and Field collected, and all of them planned.

Nothing registers itself: what stands at module level in the composers package is what there is. All faults of all
screens and actions are told in one Refusal.
"""

import dataclasses
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from bff.apps import App
from bff.composition.action import Action
from bff.composition.action_plan import PlannedAction, plan_action
from bff.composition.build import plan_of
from bff.composition.field import Field
from bff.composition.plan import Plan
from bff.composition.screen import Screen
from bff.errors import Refusal
from bff.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Project:
    """What a gateway is built from: the plans of each app's screens and actions."""

    apps: tuple[App, ...]
    plans: dict[App, tuple[Plan, ...]]
    fields: tuple[Field, ...]
    actions: dict[App, tuple[PlannedAction, ...]] = dataclasses.field(default_factory=dict)
    absent: frozenset[str] = frozenset()  # the names of apps that are declared and not served here

    def plan(self, app: str, screen: str) -> Plan:
        """The plan of a screen by the names of app and screen; raises Refusal that lists what there is."""
        for found, plans in self.plans.items():
            if found.name == app:
                for plan in plans:
                    if plan.screen.name == screen:
                        return plan
                raise Refusal([f"{app} has no screen '{screen}'; it has: {', '.join(p.screen.name for p in plans)}"])
        raise Refusal([f"there is no app '{app}'; there is: {', '.join(a.name for a in self.apps)}"])


def load(package: str, services: Iterable[str], *, only: Iterable[str] = ()) -> Project:
    """Import and check a composers package. `services` are those of bff.toml, `only` the names of apps to keep."""
    modules = list(_modules(package))
    apps = _collect(modules, App)
    screens = _collect(modules, Screen)
    actions: list[Action[..., Any]] = _collect(modules, Action)  # Any: actions of all types
    fields = tuple(_collect(modules, Field))
    endpoints: list[Screen | Action[..., Any]] = [*screens, *actions]
    faults = [*_duplicates(apps, endpoints, fields), *_unknown_apps(apps, endpoints, only)]
    if not apps:
        faults.append(f"{package}: declares no App; write `mobile = App('mobile')` in {package}/apps.py")
    plans: dict[App, list[Plan]] = {app: [] for app in apps if not only or app.name in set(only)}
    known = frozenset(services)
    for screen in screens:
        try:
            plan = plan_of(screen, fields, known)
        except Refusal as refusal:
            faults.extend(refusal.faults)
            continue
        for app in screen.apps:
            if isinstance(app, App) and app in plans:
                plans[app].append(plan)
    planned = _planned(actions, fields, known, faults)
    if faults:
        raise Refusal(dict.fromkeys(faults))
    return Project(
        tuple(plans),
        {app: tuple(found) for app, found in plans.items()},
        fields,
        {app: tuple(one for one in planned if app in one.action.apps) for app in plans},
        frozenset(app.name for app in apps if app not in plans),
    )


def _planned(
    actions: Iterable[Action[..., Any]], fields: tuple[Field, ...], known: frozenset[str], faults: list[str]
) -> list[PlannedAction]:
    """The plans of those that are good; what is wrong with the others is added to `faults`."""
    planned = []
    for action in actions:
        try:
            planned.append(plan_action(action, known, fields))
        except Refusal as refusal:
            faults.extend(refusal.faults)
    return planned


def _modules(package: str) -> Iterator[ModuleType]:
    """Every module of the package whose name has no leading underscore, in the order of their names."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # the console script does not have the project's folder on its path
    try:
        root = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package.split(".")[0] and error.name != package:
            raise
        raise Refusal([f"there is no package '{package}' here ({here}); run in the project's folder"]) from None
    yield root
    for found in sorted(pkgutil.iter_modules(root.__path__), key=lambda module: module.name):
        if not found.name.startswith("_"):
            yield importlib.import_module(f"{package}.{found.name}")


def _collect(modules: Iterable[ModuleType], kind: type[T]) -> list[T]:
    found: dict[int, T] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, kind):
                found[id(value)] = value
    return list(found.values())


def _duplicates(apps: list[App], endpoints: list[Screen | Action[..., Any]], fields: tuple[Field, ...]) -> Iterator[str]:
    seen: dict[object, str] = {}
    for app in apps:
        if app.name in seen:
            yield f"App({app.name!r}) is declared twice; give each a name of its own"
        elif ("prefix", app.prefix) in seen:
            yield f"App({app.name!r}): its prefix '{app.prefix}' is App({seen['prefix', app.prefix]!r})'s too; change one"
        seen[app.name] = seen["prefix", app.prefix] = app.name
    for one in endpoints:
        method = f"{one.method} " if isinstance(one, Action) else ""
        for home in one.apps:
            for what, value in (("path", method + _pattern(one.path)), ("name", one.name)):
                key = (home.name, what, value)
                if key in seen:
                    yield f"{one.place}: its {what} '{value}' is {seen[key]}'s in app '{home.name}' too; change one"
                seen[key] = one.place
    for field in fields:
        filled = (field.item, field.name)
        if filled in seen:
            yield f"{field.place}: {field.item.__name__}.{field.name} is filled by {seen[filled]} too; keep one"
        seen[filled] = field.place


def _pattern(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def _unknown_apps(apps: list[App], endpoints: Iterable[Screen | Action[..., Any]], only: Iterable[str]) -> Iterator[str]:
    names = {app.name for app in apps}
    for name in only:
        if name not in names:
            yield f"there is no app '{name}'; there is: {', '.join(sorted(names))}"
    for one in endpoints:
        if not one.path.startswith("/"):
            yield f"{one.place}: its path must begin with /"
        if not one.apps:
            yield f"{one.place}: no app has it; pass apps=(...)"
        for app in one.apps:
            if app.name not in names:
                yield f"{one.place}: app '{app.name}' is not in the composers package; declare it in apps.py"


def state_faults(settings: Settings, project: Project) -> Iterator[str]:
    """What several workers would each keep for themselves: counts of limits, and what actions have answered to a key."""
    workers = settings.server.workers
    if settings.state.url is not None or workers == 1:
        return
    for name, limit in settings.rate_limits.items():
        if limit.shared != "local":
            yield (
                f"rate_limits.{name}: each of {workers} workers would count for itself, so it would let in {workers} times as "
                f'much; set [state] url = "redis://...", or shared = "local" if that is meant'
            )
    kept = dict.fromkeys(one.action for planned in project.actions.values() for one in planned if one.action.idempotent)
    for action in kept:
        yield (
            f"{action.place}: is idempotent, but each of {workers} workers would keep its own answers, so a request that is "
            f'sent again could be done twice; set [state] url = "redis://...", or server.workers = 1'
        )
