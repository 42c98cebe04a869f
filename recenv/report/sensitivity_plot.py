"""Picture of what hidden confounding could do to the leading policy's differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recenv.report.picture import GREY, GRID, INK, SERIES, SLIM, drawing, shorten

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLUMNS = 3


def sensitivity_figure(table: pd.DataFrame, *, unit: str = "", slim: bool = False) -> Figure:
    """Return one panel a comparison: possible differences by strength, and with the sample's noise around them.

    Parameters
    ----------
    table
        `Comparison.sensitivity`, at least one row.
    unit
        Of the reward.
    slim
        Whether it is drawn for a telephone.
    """
    from matplotlib.figure import Figure

    with drawing():
        names = list(dict.fromkeys(table["versus"]))
        columns = 1 if slim else min(COLUMNS, len(names))
        lines = -(-len(names) // columns)
        figure = Figure(figsize=(SLIM if slim else max(3.2 * columns, 6.4), 0.9 + 2.1 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(names) :]:
            axes.axis("off")
        for axes, name, color in zip(grid.flat, names, SERIES * len(names), strict=False):
            rows = table[table["versus"] == name]
            axes.fill_between(rows["strength"], rows["lower"], rows["upper"], color=color, alpha=0.15, linewidth=0)
            axes.fill_between(rows["strength"], rows["low"], rows["high"], color=color, alpha=0.35, linewidth=0)
            axes.axhline(0, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
            other = "the log" if name == "log" else name
            axes.set_title(f"ahead of {shorten(other, 24)}", size=9.5, weight="bold", loc="left", color=INK)
            axes.set_xscale("log")
            ticks = _apart(rows["strength"].tolist())
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
            axes.grid(axis="y", color=GRID, linewidth=0.8)
            axes.tick_params(colors=GREY, labelsize=8, labelbottom=True)
        figure.supxlabel("odds ratio of a hidden cause of what was shown (1: none)", size=8.5 if slim else 9.5)
        figure.supylabel(f"difference{f' ({unit})' if unit else ''}", size=9.5)
    return figure


def _apart(strengths: list[float], least: float = 1.25) -> list[float]:
    """Return the strengths that stand far enough from the one before to be labelled."""
    ticks = strengths[:1]
    for value in strengths[1:]:
        if value > least * ticks[-1]:
            ticks.append(value)
    return ticks
