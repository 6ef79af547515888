"""What an app serves, for commands that describe it and call nobody."""

from bff.apps import App
from bff.errors import Refusal
from bff.faces.action import ServedAction
from bff.faces.screen import ServedScreen
from bff.project import Project
from bff.upstream.upstreams import Upstreams


def described(project: Project, name: str) -> tuple[App, list[ServedScreen], list[ServedAction]]:
    """The app of this name with its screens and actions; raises Refusal that lists the apps there are."""
    clients = Upstreams({}).clients
    for app, plans in project.plans.items():
        if app.name == name:
            screens = [ServedScreen(plan, clients) for plan in plans]
            return app, screens, [ServedAction(one, clients, None) for one in project.actions.get(app, ())]
    raise Refusal([f"there is no app '{name}'; there is: {', '.join(app.name for app in project.apps)}"])
