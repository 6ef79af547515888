"""`python -m tests.faults.cascade`: the cascade without and with its guards, as one plot in docs/cascade.png."""

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import uvloop

mpl.use("Agg")  # no window: this runs on machines without a screen

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from tests.faults.rig.backends import ROOT
from tests.faults.rig.rig import rig
from tests.faults.rig.samples import Samples
from tests.faults.rig.scenario import Without
from tests.faults.rig.scenarios.cascade import OTHERS, UNGUARDED, Timeline, timeline

PICTURE = ROOT / "docs" / "cascade.png"
_OTHERS, _PAY, _INK, _QUIET, _BAD = "#2f6f9f", "#d9622b", "#222222", "#777777", "#f3e3da"


async def main() -> None:
    async with rig() as running:
        without = await timeline(replace(running, without=Without("guards", UNGUARDED)))
        await running.backends.reset()
        guarded = await timeline(running)
    draw({"without timeout, bulkhead and breaker": without, "with them": guarded}, PICTURE)
    sys.stdout.write(f"written: {PICTURE}\n")


def draw(runs: dict[str, Timeline], picture: Path) -> None:
    """One column a run: the share served, and how long it took, second by second."""
    figure, axes = plt.subplots(2, len(runs), figsize=(10.5, 5.4), dpi=150, sharex=True, sharey="row", squeeze=False)
    for column, (title, run) in enumerate(runs.items()):
        _served(axes[0][column], run)
        _took(axes[1][column], run)
        axes[0][column].set_title(title, loc="left", color=_INK, fontsize=11)
        axes[1][column].set_xlabel("seconds; shaded: payments takes 5 s to answer", color=_QUIET)
    axes[0][0].set_ylabel("% served")
    axes[1][0].set_ylabel("p99, ms")
    axes[0][0].legend(loc="lower left", frameon=False)
    figure.tight_layout()
    figure.savefig(picture, metadata={"Software": ""})
    plt.close(figure)


def _served(axes: Axes, run: Timeline) -> None:
    for name, streams, colour in _lines():
        seconds = _seconds(run, streams)
        shares = [100 * found.share(lambda sample: sample.status == 200) for found in seconds.values()]
        axes.plot(list(seconds), shares, color=colour, label=name)
    axes.set_ylim(-4, 104)
    _shade(axes, run)


def _took(axes: Axes, run: Timeline) -> None:
    for _, streams, colour in _lines():
        seconds = _seconds(run, streams)
        axes.plot(list(seconds), [1000 * found.p(0.99) for found in seconds.values()], color=colour)
    axes.set_yscale("log")
    _shade(axes, run)


def _lines() -> tuple[tuple[str, tuple[str, ...], str], ...]:
    return ("search and account", OTHERS, _OTHERS), ("payments", ("pay",), _PAY)


def _seconds(run: Timeline, streams: tuple[str, ...]) -> dict[int, Samples]:
    return run.samples.of(*streams).between(run.start, run.end).by_second(run.start)


def _shade(axes: Axes, run: Timeline) -> None:
    axes.axvspan(run.struck - run.start, run.healed - run.start, color=_BAD, zorder=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_INK)


if __name__ == "__main__":
    uvloop.run(main())
