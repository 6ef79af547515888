"""`bff call APP SCREEN`: one screen from the real backends, and a waterfall of what happened."""

import asyncio
from time import monotonic
from typing import Annotated

import typer
import uvloop
from rich.table import Table

from bff.caller import Caller
from bff.commands.console import errors, escape, out
from bff.commands.load import load
from bff.composition.engine import Run, SectionFailed
from bff.composition.inputs import BadInput
from bff.composition.outcome import OK, Outcome
from bff.composition.render import render
from bff.errors import Refusal
from bff.faces import wanted
from bff.faces.screen import Raw, ServedScreen
from bff.upstream.scope import RequestScope
from bff.upstream.upstreams import Upstreams

_WIDTH = 40


def call(
    app: Annotated[str, typer.Argument(help="the app's name")],
    screen: Annotated[str, typer.Argument(help="the screen's name")],
    inputs: Annotated[list[str] | None, typer.Argument(help="name=value, as in the query; sections=a,b too")] = None,
    user: Annotated[str | None, typer.Option(help="call as this user (no token is needed: this is your own process)")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="a scope that the caller holds (may be given again)")] = None,
) -> None:
    """Print a screen as its client would get it, then its sections and calls on one time line."""
    settings, project = load()
    plan = project.plan(app, screen)
    upstreams = Upstreams.of(settings)
    served = ServedScreen(plan, upstreams.clients)
    pairs = [_pair(text) for text in inputs or ()]
    in_path = {name: value for name, value in pairs if served.inputs.in_path(name, plan.screen.parameters)}
    raw = Raw(
        in_path,
        [(name, value) for name, value in pairs if name not in in_path],
        Caller(user, app, frozenset(scope or ())),
        RequestScope(),
    )
    try:
        uvloop.run(_called(served, raw, upstreams))
    except BadInput as error:
        raise Refusal([f"{fault.name}: {fault.detail}" for fault in error.faults]) from None


async def _called(served: ServedScreen, raw: Raw, upstreams: Upstreams) -> None:
    selection, given = wanted.split(served, raw)
    began = monotonic()
    run = served.start(raw, served.inputs.parse(given), selection)
    failure: SectionFailed | None = None
    try:
        await run.go()
        out.print_json(render(served.screen.type, selection, run.shown(), run.outcomes).decode())
    except SectionFailed as error:
        failure = error
        errors.print(f"[red]the screen failed[/]: {escape(str(error))}")
    finally:
        await upstreams.close()
        await asyncio.sleep(0)  # let closed transports say goodbye before the loop ends
    out.print(_waterfall(run, raw, began, failure))


def _waterfall(run: Run, raw: Raw, began: float, failure: SectionFailed | None) -> Table:
    table = Table(title="what happened", title_justify="left", box=None, pad_edge=False)
    for column, justify in (("section or call", "left"), ("ms", "right"), ("", "left"), ("verdict", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # rich's literal
    end = max([ended for _, ended in run.times.values()] + [call.ended for call in raw.scope.records] + [began + 0.001])
    for key, (start, ended) in run.times.items():
        outcome = failure.outcome if failure is not None and failure.section == key else run.outcomes.get(key, OK)
        table.add_row(f"[bold]{key}[/]", *_bar(start - began, (ended or end) - began, end - began), _verdict(outcome))
    for call in sorted(raw.scope.records, key=lambda record: record.started):
        verdict = f"[dim]{call.result}[/]"
        name = f"  {call.service} {call.method} {call.target}"
        table.add_row(f"[dim]{name}[/]", *_bar(call.started - began, (call.ended or end) - began, end - began), verdict)
    return table


def _bar(start: float, end: float, whole: float) -> tuple[str, str]:
    left = round(start / whole * _WIDTH)
    length = max(1, round((end - start) / whole * _WIDTH))
    return f"{(end - start) * 1000:.1f}", " " * left + "━" * length


def _verdict(outcome: Outcome) -> str:
    if outcome.status == "ok":
        return "[green]ok[/]"
    about = ", ".join(part for part in (outcome.reason, outcome.service) if part)
    return f"[yellow]{outcome.status}[/] ({about})"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Refusal([f"'{text}' is not name=value"])
    return name, value
