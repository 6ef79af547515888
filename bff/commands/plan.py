"""`bff plan SCREEN`: the graph of a screen, its critical path, services and timeouts."""

from typing import Annotated

import typer
from rich.tree import Tree

from bff.commands.console import out
from bff.commands.load import load
from bff.composition.budget import FALLBACK_TIME, time_for
from bff.composition.plan import Plan, Step
from bff.errors import Refusal
from bff.project import Project


def plan(
    screen: Annotated[str, typer.Argument(help="the screen's name, or app/name")],
) -> None:
    """Draw a screen's graph: what waits for what, who is called, how long each may take."""
    _, project = load()
    for app, found in _plans(project, screen):
        out.print(_drawn(app, found))


def _plans(project: Project, wanted: str) -> list[tuple[str, Plan]]:
    app_name, _, name = wanted.rpartition("/")
    found = [
        (app.name, plan)
        for app, plans in project.plans.items()
        for plan in plans
        if plan.screen.name == name and app_name in ("", app.name)
    ]
    if not found:
        there = sorted({f"{app.name}/{plan.screen.name}" for app, plans in project.plans.items() for plan in plans})
        raise Refusal([f"there is no screen '{wanted}'; there is: {', '.join(there)}"])
    return found


def _drawn(app: str, plan: Plan) -> Tree:
    critical = critical_path(plan)
    names = " → ".join(step.key for step in critical)
    seconds = sum(_own(step, plan) for step in critical)
    screen = plan.screen
    tree = Tree(
        f"[bold]{app} {screen.path}[/]  budget {screen.budget} s\n"
        f"critical path at worst: {names} ({min(seconds, screen.budget):.2f} s)"
    )
    branches: dict[int, Tree] = {}
    for step in plan.steps:
        parent = branches[step.needs[-1]] if step.needs else tree
        branches[step.index] = parent.add(_label(step, plan, critical))
    cut = plan.only(None)
    for index, fills in cut.fills.items():
        for fill in fills:
            called = " ".join(fill.services)
            branches[index].add(f"[cyan]{fill.key}[/] field of items, calls {called}")
    return tree


def _label(step: Step, plan: Plan, critical: list[Step]) -> str:
    name = f"[bold]{step.key}[/]" if step in critical else step.key
    kind = "required" if step.required else "step" if not step.shown else "optional"
    also = f", after {' and '.join(plan.steps[i].key for i in step.needs[:-1])} too" if len(step.needs) > 1 else ""
    called = f", calls {' '.join(step.services)}" if step.services else ""
    fallback = step.section.computed
    spare = (
        f", else {getattr(fallback, '__name__', '')}" if fallback else ", else constant" if step.section.has_constant else ""
    )
    return f"{name}  {_most(step, plan):.2f} s, {kind}{called}{spare}{also}"


def _most(step: Step, plan: Plan) -> float:
    most = time_for(step.section, plan.screen.budget)
    return most if step.section.timeout is None else min(step.section.timeout, most)


def _own(step: Step, plan: Plan) -> float:
    """What a section adds to a path at worst: one that calls nobody takes no time, but its fallback may."""
    time = _most(step, plan) if plan.signatures[step.index].services else 0.0
    return time + (FALLBACK_TIME if step.section.computed is not None else 0.0)


def critical_path(plan: Plan) -> list[Step]:
    """The chain of sections that takes longest when each takes all the time it may."""
    best: dict[int, tuple[float, list[Step]]] = {}
    for step in plan.steps:
        before = max((best[index] for index in step.needs), key=lambda path: path[0], default=(0.0, []))
        best[step.index] = (before[0] + _own(step, plan), [*before[1], step])
    return max(best.values(), key=lambda path: path[0], default=(0.0, []))[1]
