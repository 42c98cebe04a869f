"""Picture of the learning curves: what each agent earned while it learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recenv.report.picture import GRID, SERIES, drawing, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
"""Line styles: a second set of curves repeats the colours with dashes."""


def learning_figure(curves: Mapping[str, Sequence[Any]], *, unit: str) -> Figure:
    """Return the curves over steps, with a band where `low` and `high` are given.

    Parameters
    ----------
    curves
        Agent -> (steps, value) or (steps, value, low, high), each (n,).
    unit
        Of the values.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(9.0, 4.0), layout="constrained")
        axes = figure.add_subplot()
        for place, (name, curve) in enumerate(curves.items()):
            _curve(axes, name, [np.atleast_1d(np.asarray(column, dtype=float)) for column in curve], place)
        axes.set(xlabel="training steps (one step: one recommendation)", ylabel=unit or "mean reward")
        axes.xaxis.set_major_formatter(lambda steps, _: f"{steps:,.0f}")
        axes.grid(color=GRID, linewidth=0.8)
        figure.legend(loc="outside right upper")
    return figure


def _curve(axes: Any, name: str, columns: list[np.ndarray], place: int) -> None:
    colour = SERIES[place % len(SERIES)]
    dashes = DASHES[place // len(SERIES) % len(DASHES)]
    marker = "o" if len(columns[0]) == 1 else ""
    axes.plot(
        columns[0], columns[1], color=colour, linestyle=dashes, linewidth=1.8, marker=marker, label=shorten(name, 28)
    )
    if len(columns) == 4:
        axes.fill_between(columns[0], columns[2], columns[3], color=colour, alpha=0.15, linewidth=0)
