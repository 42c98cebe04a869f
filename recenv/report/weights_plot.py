"""Picture of the weights: where the log's rows are, and where the weight is that the estimate rests on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from recenv.report.picture import BLUE, GREY, GRID, INK, PALE, SLIM, VERMILION, drawing, shorten

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLUMNS = 3
SMALLEST = 1e-4
"""Rows with less weight than this stand in the column "0"."""
GAP = 0.75
"""Decades between that column and the smallest weight."""


def weights_figure(weights: pd.DataFrame, policies: tuple[str, ...], *, slim: bool = False) -> Figure:
    """Return one panel a policy: the share of rows and the share of all weight, by size of the weight.

    Parameters
    ----------
    weights
        `Comparison.weights`: policy, low, high, rows, weight.
    slim
        Whether it is drawn for a telephone.
    """
    from matplotlib.figure import Figure

    with drawing():
        columns = 1 if slim else min(COLUMNS, len(policies))
        lines = math.ceil(len(policies) / columns)
        figure = Figure(figsize=(SLIM if slim else max(3.2 * columns, 6.4), 0.8 + 1.9 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        limits = _limits(weights)
        for axes in grid.flat[len(policies) :]:
            axes.axis("off")
        for place, (axes, name) in enumerate(zip(grid.flat, policies, strict=False)):
            _panel(axes, weights[weights["policy"] == name], limits)
            axes.set_title(shorten(name, 32), size=9.5, weight="bold", loc="left", color=INK)
            if place >= len(policies) - columns:
                axes.tick_params(labelbottom=True)
        figure.supxlabel("weight of a logged decision (1: as often as in the log)", size=8.5 if slim else 9.5)
        _legend(figure, 2 if slim else 3)
    return figure


class Limits(NamedTuple):
    """What all panels have in common."""

    first: int
    """Power of ten below the smallest weight that is not 0."""
    last: int
    """Power of ten above the largest."""
    share: float
    """The largest share."""


def _limits(weights: pd.DataFrame) -> Limits:
    low = weights["low"].to_numpy(float)
    logs = np.log10(low[low > 0]) if (low > 0).any() else np.zeros(1)
    share = float(weights[["rows", "weight"]].to_numpy(float).max())
    return Limits(min(-1, math.floor(logs.min())), max(1, math.floor(logs.max()) + 1), max(share, 0.01))


def _panel(axes: Any, bins: pd.DataFrame, limits: Limits) -> None:
    low = bins["low"].to_numpy(float)
    zero = limits.first - GAP
    left = np.where(low > 0, np.log10(np.maximum(low, SMALLEST)), zero)
    axes.bar(left, bins["rows"], width=0.25, align="edge", color=PALE)
    axes.bar(left + 0.05, bins["weight"], width=0.15, align="edge", color=BLUE)
    axes.axvline(0, color=VERMILION, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set(xlim=(zero - 0.2, limits.last + 0.1), ylim=(0, 1.06 * limits.share))
    every = 1 + (limits.last - limits.first) // 5
    ticks = [power for power in range(limits.first, limits.last + 1) if power % every == 0]
    axes.set_xticks([zero + 0.125, *ticks], ["0", *(_power(power) for power in ticks)])
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.tick_params(colors=GREY, labelsize=8)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")


def _power(power: int) -> str:
    return f"{10.0**power:,.10g}" if -4 < power < 5 else f"1e{power}"


def _legend(figure: Figure, columns: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = [
        Patch(color=PALE, label="share of the log's decisions"),
        Patch(color=BLUE, label="share of all weight"),
        Line2D([], [], color=VERMILION, linestyle=(0, (4, 3)), label="weight 1"),
    ]
    figure.legend(handles=entries, loc="outside upper left", ncols=columns)
