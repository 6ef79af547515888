"""`bff check`: refuse now what would otherwise be refused at the start; `--effective` shows every policy in force."""

from typing import Annotated

import typer
from rich.table import Table

from bff.commands.console import out
from bff.commands.load import load
from bff.project import Project
from bff.service_settings import ServiceSettings
from bff.settings import Settings


def check(
    effective: Annotated[bool, typer.Option("--effective", help="each service's settings: value, default or set, why")] = False,
) -> None:
    """Check settings, clients, sections and screens; every fault is told in one go."""
    settings, project = load()
    if effective:
        out.print(_services(settings))
        out.print(_screens(project))
    screens = sum(len(plans) for plans in project.plans.values())
    out.print(f"[green]good[/]: {len(project.apps)} apps, {screens} screens, {len(settings.services)} services")


def _services(settings: Settings) -> Table:
    table = Table(title="services", title_justify="left")
    for column in ("service", "setting", "value", "", "why"):
        table.add_column(column, overflow="fold")
    for name, service in settings.services.items():
        for field, about in ServiceSettings.model_fields.items():
            given = "set" if field in service.model_fields_set else "default"
            style = "bold" if given == "set" else "dim"
            table.add_row(name, field, str(getattr(service, field)), given, about.description, style=style)
            name = ""
        table.add_section()
    return table


def _screens(project: Project) -> Table:
    table = Table(title="screens", title_justify="left")
    for column in ("app", "screen", "path", "budget", "priority", "sections", "services"):
        table.add_column(column, overflow="fold")
    for app, plans in project.plans.items():
        for plan in plans:
            screen = plan.screen
            keys = [f"{step.key}*" if step.required else step.key for step in plan.steps if step.shown]
            table.add_row(
                app.name,
                screen.name,
                app.path(screen.path),
                f"{screen.budget} s",
                screen.priority,
                " ".join(keys),
                " ".join(plan.services),
            )
    table.caption = "* required: the screen fails when it fails"
    return table
