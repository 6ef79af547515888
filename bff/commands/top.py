"""`bff top`: services and instances, live: who is slow, who fails, whose breaker is open."""

from time import monotonic, sleep
from typing import Annotated, Any

import httpx
import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bff import settings as settings_module
from bff.commands.console import escape, out
from bff.commands.top_figures import Counted, Row, held, rows, services_of
from bff.errors import Refusal

# The admin port asks each worker for a second at most, all at once.
_TIMEOUT = 3.0
# Columns for what reads a pipe, which has no width of its own: nothing is cut.
_IN_A_PIPE = 120
# Shares from which a number is shown in yellow, and in red.
_NOTABLE, _BAD = 0.01, 0.1
_COLOURS = {"open": "red", "ejected": "red", "half_open": "yellow", "unhealthy": "yellow", "off": "dim"}


def top(
    every: Annotated[float, typer.Option(min=0.1, help="seconds between two looks")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="print one table, of all since the start, and end")] = False,
    admin: Annotated[str | None, typer.Option(help="host:port of the admin listener (default: that of bff.toml)")] = None,
) -> None:
    """Show every service and its instances as they are now; Ctrl-C ends it."""
    address = admin or settings_module.load().server.admin
    stats = _look(address)
    if once:
        if not out.is_terminal:
            out.width = _IN_A_PIPE
        out.print(_table({}, services_of(stats), _uptime(stats)))
        return
    try:
        _watch(address, every, stats)
    except KeyboardInterrupt:
        return


def _watch(address: str, every: float, stats: dict[str, Any]) -> None:
    before, at = services_of(stats), monotonic()
    with Live(Text("looking ..."), console=out, auto_refresh=False, screen=True) as live:
        while True:
            sleep(every)
            now = monotonic()
            try:
                stats = held(stats, _look(address))
            except Refusal as gone:
                live.update(Text(str(gone), style="red"), refresh=True)
                continue
            after = services_of(stats)
            live.update(Group(_head(address, stats), _table(before, after, now - at)), refresh=True)
            before, at = after, now


def _look(address: str) -> dict[str, Any]:
    """/stats of the whole fleet; Any: JSON."""
    url = f"http://{address}/stats"
    try:
        answer = httpx.get(url, timeout=_TIMEOUT, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Refusal([f"{url}: {error}; is `bff serve` running, and is its admin listener there?"]) from None
    found: dict[str, Any] = answer.json()
    return found


def _head(address: str, stats: dict[str, Any]) -> Text:
    workers = [f"{worker['pid']} {worker['state']}" for worker in stats["workers"]]
    totals = stats["totals"]
    return Text(
        f"{address}  workers: {', '.join(workers) or 'none'}  in flight: {totals.get('in_flight', 0)}  "
        f"memory: {totals.get('rss', 0) / 2**20:.0f} MB\n",
        style="dim",
    )


def _uptime(stats: dict[str, Any]) -> float:
    """Seconds that the oldest worker has served."""
    return max([1.0, *(float(worker.get("uptime", 0)) for worker in stats["workers"])])


def _table(before: dict[str, Counted], after: dict[str, Counted], seconds: float) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True, header_style="bold")
    table.add_column("service", no_wrap=True)  # alone gives way on a narrow terminal: the numbers are what one came for
    table.add_column("state", no_wrap=True, min_width=9)
    for name in ("in flight", "calls/s", "p50 ms", "p99 ms", "errors", "fallback", "extra"):
        table.add_column(name, justify="right", no_wrap=True, min_width=max(len(name), 7))
    for row in rows(before, after, seconds):
        table.add_row(*_cells(row), style="" if row.limit is not None else "dim")
    return table


def _cells(row: Row) -> tuple[str, ...]:
    in_flight = str(row.in_flight) if row.limit is None else f"{row.in_flight}/{row.limit}"
    if row.queued:
        in_flight += f"+{row.queued}"
    colour = _COLOURS.get(row.state, "green")
    return (
        escape(row.name),
        f"[{colour}]{row.state.replace('_', ' ')}[/]",
        in_flight,
        f"{row.per_second:.1f}",
        _ms(row.p50),
        _ms(row.p99),
        _percent(row.errors),
        _percent(row.blamed),
        "" if row.extra is None else str(row.extra),
    )


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}"


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    text = f"{share * 100:.1f} %"
    return f"[red]{text}[/]" if share >= _BAD else f"[yellow]{text}[/]" if share >= _NOTABLE else text
