"""The whole of what stands in a project's folder: its settings, its composers, and whether the two fit."""

from collections.abc import Iterable, Iterator

from bff import project as projects
from bff import settings as settings_module
from bff.errors import Refusal
from bff.project import Project
from bff.settings import Settings


def load(only: Iterable[str] = ()) -> tuple[Settings, Project]:
    """Settings and project, of the apps of these names or of all; raises Refusal with every fault."""
    settings = settings_module.load()
    project = projects.load(settings.composers, settings.services, only=only)
    faults = [
        *timeouts_out_of_reach(settings, project),
        *projects.state_faults(settings, project),
        *unknown_apps(settings, project),
    ]
    if faults:
        raise Refusal(faults)
    return settings, project


def timeouts_out_of_reach(settings: Settings, project: Project) -> Iterator[str]:
    """Timeouts that were set above the budget of every screen and action that calls the service: they could never ring.

    A plain route has no budget, so a service that one leads to may have any.
    """
    routed = {route.service for route in settings.routes.values()}
    budgets: dict[str, float] = {}
    for plans in project.plans.values():
        for plan in plans:
            for called in plan.services:
                budgets[called] = max(budgets.get(called, 0.0), plan.screen.budget)
    for planned in project.actions.values():
        for one in planned:
            for called in one.services:
                budgets[called] = max(budgets.get(called, 0.0), one.action.budget)
    for name, service in settings.services.items():
        largest = budgets.get(name)
        if "timeout" in service.model_fields_set and largest is not None and name not in routed and service.timeout > largest:
            yield (
                f"services.{name}.timeout = {service.timeout} is over the budget of all that calls it (the largest "
                f"is {largest} s), so it would never ring; lower it, or raise a budget"
            )


def unknown_apps(settings: Settings, project: Project) -> Iterator[str]:
    """Settings of apps that nobody declares would only look as if they held."""
    declared = {app.name for app in project.apps} | project.absent
    named = {f"apps.{name}": name for name in settings.apps}
    named |= {f"routes.{name}.app": route.app for name, route in settings.routes.items() if route.app}
    for place, name in named.items():
        if name not in declared:
            yield f"{place}: there is no app '{name}'; there is: {', '.join(sorted(declared))}"
