"""`bff plan SCREEN`: the graph of a screen, its critical path, services and timeouts."""

from typing import Annotated

import typer
from rich.tree import Tree

from bff.commands.console import out
from bff.composition.budget import ANSWER_RESERVE, FALLBACK_TIME, time_for
from bff.composition.fill import Fill
from bff.composition.plan import Plan, Step
from bff.errors import Refusal
from bff.project import Project
from bff.whole import load


def plan(
    screen: Annotated[str, typer.Argument(help="the screen's name, or app/name")],
) -> None:
    """Draw a screen's graph: what waits for what, who is called, how long each may take."""
    _, project = load()
    for app, found in _plans(project, screen):
        critical, seconds = critical_path(found)
        out.print(_drawn(app, found, critical))
        worst = min(seconds, found.screen.budget)
        out.print(f"critical path at worst: {' → '.join(critical)} ({worst:.2f} s)", soft_wrap=True, highlight=False)


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


def _drawn(app: str, plan: Plan, critical: list[str]) -> Tree:
    tree = Tree(f"[bold]{app} {plan.screen.path}[/]  budget {plan.screen.budget} s")
    branches: dict[int, Tree] = {}
    for step in plan.steps:
        parent = branches[step.needs[-1]] if step.needs else tree
        branches[step.index] = parent.add(_label(step, plan, critical))
        for fill in plan.only(None).fills.get(step.index, ()):
            _draw_fill(branches[step.index], fill, plan, critical)
    return tree


def _draw_fill(branch: Tree, fill: Fill, plan: Plan, critical: list[str]) -> None:
    style = "bold cyan" if fill.key in critical else "cyan"
    seconds = _fill_time(fill, plan)
    here = branch.add(f"[{style}]{fill.key}[/]  {seconds:.2f} s, field of items, calls {' '.join(fill.services)}")
    for then in fill.then:
        _draw_fill(here, then, plan, critical)


def _label(step: Step, plan: Plan, critical: list[str]) -> str:
    name = f"[bold]{step.key}[/]" if step.key in critical else step.key
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


def _fill_time(fill: Fill, plan: Plan) -> float:
    most = plan.screen.budget - ANSWER_RESERVE
    return most if fill.field.timeout is None else min(fill.field.timeout, most)


def critical_path(plan: Plan) -> tuple[list[str], float]:
    """The chain of sections and fields that takes longest when each takes all the time it may, and its seconds."""
    fills = plan.only(None).fills
    best: dict[int, tuple[list[str], float]] = {}
    ends: list[tuple[list[str], float]] = [([], 0.0)]
    for step in plan.steps:
        before = max((best[index] for index in step.needs), key=_seconds, default=([], 0.0))
        best[step.index] = ([*before[0], step.key], before[1] + _own(step, plan))
        ends.append(best[step.index])
        ends += [_after(best[step.index], fill, plan) for fill in fills.get(step.index, ())]
    return max(ends, key=_seconds)


def _after(path: tuple[list[str], float], fill: Fill, plan: Plan) -> tuple[list[str], float]:
    here = ([*path[0], fill.key], path[1] + _fill_time(fill, plan))
    return max((_after(here, then, plan) for then in fill.then), key=_seconds, default=here)


def _seconds(path: tuple[list[str], float]) -> float:
    return path[1]
