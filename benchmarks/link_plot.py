"""The picture of benchmarks/link.py: a waterfall of the parts, and the one call beside it."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # no window: this runs on machines without a screen

import matplotlib.pyplot as plt

_PARTS, _SCREEN, _INK, _QUIET = "#b0b7c3", "#d9622b", "#222222", "#777777"


def draw(parts: Mapping[str, float], screen: float, round_trip: float, picture: Path) -> None:
    """Draw medians (seconds) into a PNG; the parts lie end to end, since each waits for the one before."""
    figure, axes = plt.subplots(figsize=(8.4, 1.3 + 0.42 * (len(parts) + 1)), dpi=150)
    start = 0.0
    for row, took in enumerate(parts.values()):
        axes.barh(row, took * 1000, left=start * 1000, height=0.62, color=_PARTS)
        start += took
        if row == len(parts) - 1:
            axes.text(start * 1000 + 12, row, f"{start * 1000:,.0f} ms", va="center", color=_INK, fontsize=10)
    last = len(parts)
    axes.barh(last, screen * 1000, height=0.62, color=_SCREEN)
    axes.text(screen * 1000 + 12, last, f"{screen * 1000:,.0f} ms", va="center", color=_INK, fontsize=10, weight="bold")
    axes.set_yticks(range(last + 1), [*parts, "the screen, one call"])
    axes.invert_yaxis()
    axes.set_xlim(0, max(start, screen) * 1120)
    axes.set_xlabel(f"milliseconds over a link with {round_trip * 1000:.0f} ms of round trip (medians)", color=_QUIET)
    axes.set_title(f"{last} parts one after another, or one screen", loc="left", color=_INK, fontsize=12)
    axes.tick_params(colors=_INK, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_PARTS)
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, metadata={"Software": ""})  # no version in the file: the same figures give the same bytes
    plt.close(figure)
