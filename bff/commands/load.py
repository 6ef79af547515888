"""The project in this folder, as most commands need it."""

from bff import project as projects
from bff import settings as settings_module
from bff.project import Project
from bff.settings import Settings


def load() -> tuple[Settings, Project]:
    """Settings and project; raises Refusal with every fault of both."""
    settings = settings_module.load()
    return settings, projects.load(settings.composers, settings.services)
