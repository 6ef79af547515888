"""`bff check`: refuse now what would otherwise be refused at the start; `--effective` shows every policy in force."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import orjson
import typer
from pydantic import BaseModel
from rich.table import Table

from bff.commands.console import escape, out
from bff.commands.inventory import endpoint_table, unowned
from bff.errors import Refusal
from bff.gateway.build import Gateway
from bff.observe.logs import AccessLog
from bff.project import Project
from bff.service_settings import ServiceSettings
from bff.whole import load


def check(
    effective: Annotated[bool, typer.Option("--effective", help="each service's settings: value, default or set, why")] = False,
    endpoints: Annotated[bool, typer.Option("--endpoints", help="every endpoint: owner, who may use it, its limits")] = False,
    service: Annotated[list[str] | None, typer.Option("--service", help="with --effective: these services only")] = None,
) -> None:
    """Check settings, clients, sections, screens and actions; every fault is told in one go."""
    settings, project = load()
    for name in service or ():
        if name not in settings.services:
            raise Refusal([f"there is no service '{name}'; there is: {', '.join(settings.services)}"])
    if effective:
        out.print(_services({name: settings.services[name] for name in service or settings.services}))
        if not service:
            out.print(_screens(project))
    gateway = Gateway(settings, project, access=AccessLog(None))
    faults = list(unowned(gateway.endpoints, gateway.quota))
    if faults:
        raise Refusal(faults)
    if endpoints or effective:
        out.print(endpoint_table(gateway.endpoints, gateway.quota))
    screens = sum(len(plans) for plans in project.plans.values())
    actions = len({one.action for planned in project.actions.values() for one in planned})
    out.print(
        f"[green]good[/]: {len(project.apps)} apps, {screens} screens, {actions} actions, {len(settings.services)} services"
    )


def _services(services: Mapping[str, ServiceSettings]) -> Table:
    """Every service's policy, a row a setting, in the words of bff.toml: `breaker.window`."""
    table = Table(title="services", title_justify="left")
    for column in ("service", "setting", "value", ""):
        table.add_column(column, overflow="fold", min_width=7)
    table.add_column("why", overflow="fold", ratio=1, min_width=24)
    for name, service in services.items():
        for place, value, given, why in _policy(service, ""):
            table.add_row(name, place, escape(_shown(value)), given, escape(why), style="bold" if given == "set" else "dim")
            name = ""
        table.add_section()
    return table


def _policy(part: BaseModel, place: str) -> Iterator[tuple[str, object, str, str]]:
    for field, about in type(part).model_fields.items():
        value = getattr(part, field)
        if isinstance(value, BaseModel):
            yield from _policy(value, f"{place}{field}.")
        else:
            yield f"{place}{field}", value, "set" if field in part.model_fields_set else "default", about.description or ""


def _shown(value: object) -> str:
    """As bff.toml would have it."""
    return "none" if value is None else orjson.dumps(value).decode()


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
