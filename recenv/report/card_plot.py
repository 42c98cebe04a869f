"""Picture of a world's validation card: logged against simulated ratings, and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recenv.report.picture import BLUE, GREY, GRID, INK, PALE, VERMILION, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def has_card_picture(card: Mapping[str, Any]) -> bool:
    """Say whether a card holds anything to draw."""
    return bool(card.get("rating_histogram") or card.get("pit_histogram"))


def card_figure(card: Mapping[str, Any]) -> Figure:
    """Return the rating histogram of a card, and its PIT histogram where it has one.

    Parameters
    ----------
    card
        `rating_histogram` {level, logged, simulated}: shares (L,); `pit_histogram`: shares (bins,) of equal width.
    """
    from matplotlib.figure import Figure

    with drawing():
        panels = [name for name in ("rating_histogram", "pit_histogram") if card.get(name)]
        figure = Figure(figsize=(4.5 * len(panels) + 1.0, 3.1), layout="constrained")
        for place, name in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), place + 1)
            _ratings(axes, card[name]) if name == "rating_histogram" else _pit(axes, card[name])
            axes.grid(axis="y", color=GRID, linewidth=0.8)
            axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    return figure


def _ratings(axes: Any, histogram: Mapping[str, Sequence[float]]) -> None:
    level = np.arange(len(histogram["level"]))
    axes.bar(level - 0.2, histogram["logged"], width=0.38, color=PALE, label="logged")
    axes.bar(level + 0.2, histogram["simulated"], width=0.38, color=BLUE, label="simulated")
    axes.set_xticks(level, [f"{value:g}" for value in histogram["level"]])
    axes.set_xlabel("rating")
    axes.set_title("Ratings of the same user-item pairs", loc="left", size=9.5, weight="bold", color=INK)
    axes.legend(loc="upper left")


def _pit(axes: Any, shares: Sequence[float]) -> None:
    edges = np.linspace(0, 1, len(shares) + 1)
    axes.bar(edges[:-1], shares, width=np.diff(edges), align="edge", color=BLUE, edgecolor="white")
    axes.axhline(1 / len(shares), color=VERMILION, linestyle=(0, (4, 3)), linewidth=1, label="calibrated")
    axes.set_xlabel("where the logged rating falls in its predicted distribution")
    axes.set_title("Calibration (randomised PIT)", loc="left", size=9.5, weight="bold", color=INK)
    axes.tick_params(colors=GREY)
    axes.legend(loc="upper left")
