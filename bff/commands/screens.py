"""An app's screens, for commands that describe them and call nobody."""

from bff.apps import App
from bff.errors import Refusal
from bff.faces.screen import ServedScreen
from bff.project import Project
from bff.upstream.upstreams import Upstreams


def screens_of(project: Project, name: str) -> tuple[App, list[ServedScreen]]:
    """The app of this name and its screens; raises Refusal that lists the apps there are."""
    for app, plans in project.plans.items():
        if app.name == name:
            return app, [ServedScreen(plan, Upstreams({}).clients) for plan in plans]
    raise Refusal([f"there is no app '{name}'; there is: {', '.join(app.name for app in project.apps)}"])
