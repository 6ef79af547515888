"""`bff call APP SCREEN`: one screen from the real backends, and a waterfall of what happened."""

import asyncio
from time import monotonic
from typing import Annotated

import typer
import uvloop
from rich.table import Table

from bff.caller import Caller
from bff.commands.console import errors, escape, out
from bff.composition.engine import Run, SectionFailed
from bff.composition.inputs import BadInput
from bff.composition.outcome import Outcome
from bff.composition.render import render
from bff.composition.tasks import How
from bff.errors import BackendUnreachable, Refusal
from bff.faces import wanted
from bff.faces.screen import Raw, ServedScreen
from bff.identity.internal_token import Inside
from bff.upstream.scope import RequestScope
from bff.upstream.upstreams import Upstreams
from bff.whole import load

# The bars take what the terminal has left beside names, milliseconds and verdicts.
_NAME, _BESIDE = 34, 34 + 8 + 26
_NARROWEST, _WIDEST = 12, 60
UNREACHABLE = BackendUnreachable.reason


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
    inside = Inside.of_settings(settings)
    caller = Caller(user, app, frozenset(scope or ()))
    upstreams = Upstreams.of(settings, inside.nobody if inside is not None else None)
    served = ServedScreen(plan, upstreams.clients)
    pairs = [_pair(text) for text in inputs or ()]
    in_path = {name: value for name, value in pairs if served.inputs.in_path(name, plan.screen.parameters)}
    raw = Raw(
        in_path,
        [(name, value) for name, value in pairs if name not in in_path],
        caller,
        RequestScope(tell=inside.of(caller) if inside is not None else None),
    )
    try:
        done = uvloop.run(_called(served, raw, upstreams))
    except BadInput as error:
        raise Refusal([f"{fault.name}: {fault.detail}" for fault in error.faults]) from None
    if not done:
        raise typer.Exit(1)


async def _called(served: ServedScreen, raw: Raw, upstreams: Upstreams) -> bool:
    """Whether the screen could be had."""
    await upstreams.start()
    selection, given = wanted.split(served, raw)
    began = monotonic()
    run = served.start(raw, served.inputs.parse(given), selection)
    failed = False
    try:
        await run.go()
        out.print_json(render(served.screen.type, selection, run.shown(), run.outcomes).decode())
    except SectionFailed as error:
        failed = True
        errors.print(f"[red]the screen failed[/]: {escape(str(error))}")
    finally:
        await upstreams.close()
        await asyncio.sleep(0)  # let closed transports say goodbye before the loop ends
    out.print(_waterfall(run, raw, began))
    if raw.scope.records and all(call.result == UNREACHABLE for call in raw.scope.records):
        errors.print("every service was unreachable; is the demo running? (`make demo`)")
    return not failed


def _waterfall(run: Run, raw: Raw, began: float) -> Table:
    """Steps and calls on one time line, as wide as the terminal lets it be."""
    width = max(_NARROWEST, min(_WIDEST, out.width - _BESIDE))
    table = Table(title="what happened", title_justify="left", box=None, pad_edge=False)
    table.add_column("section or call", no_wrap=True, overflow="ellipsis", max_width=_NAME)
    table.add_column("ms", justify="right", no_wrap=True, min_width=6)
    table.add_column("", no_wrap=True, min_width=width)
    table.add_column("verdict", overflow="fold")
    calls = sorted(raw.scope.records, key=lambda record: record.started)
    end = max([ended for _, ended in run.times.values()] + [call.ended for call in calls] + [began + 0.001])

    def bar(start: float, ended: float) -> tuple[str, str]:
        ended = ended or end
        left, length = (round(seconds / (end - began) * width) for seconds in (start - began, ended - start))
        left = min(left, width - 1)
        return f"{(ended - start) * 1000:.1f}", " " * left + "━" * max(1, min(length, width - left))

    for key, (start, ended) in run.times.items():
        table.add_row(f"[bold]{key}[/]", *bar(start, ended), _verdict(run.verdicts.get(key), run.how[key]))
    for key, outcome in run.verdicts.items():
        if key not in run.times:
            table.add_row(f"[bold]{key}[/]", "", "", _verdict(outcome))
    for call in calls:
        name = f"  {call.service} {call.method} {_short(call.target)}"
        table.add_row(f"[dim]{escape(name)}[/]", *bar(call.started, call.ended), f"[dim]{call.result}[/]")
    return table


def _verdict(outcome: Outcome | None, how: How = "cut") -> str:
    """`how`: the end of work that has no verdict of its own."""
    status = how if outcome is None else outcome.status
    if status == "ok":
        return "[green]ok[/]"
    if outcome is None:
        return f"[dim]{how}[/]"
    about = ", ".join(part for part in (outcome.reason, outcome.service) if part)
    return f"[yellow]{outcome.status}[/] ({about})"


def _short(target: str) -> str:
    """`/thali.delivery.v1.Delivery/Track` -> `Delivery/Track`: a gRPC method without its package."""
    head, dot, method = target.rpartition(".")
    return method if dot and "/" in method and head.count("/") == 1 else target


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Refusal([f"'{text}' is not name=value"])
    return name, value
