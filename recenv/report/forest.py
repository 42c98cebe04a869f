"""Forest plot: one line a number, with its interval; a refused number is greyed out and says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recenv.report.picture import BLUE, GREY, GRID, INK, ORANGE, PALE, SLIM, VERMILION, drawing, shorten
from recenv.report.rounding import decimals_for, rounded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REFUSED = "not enough overlap"
STYLES = {"ok": (BLUE, "o"), "caution": (ORANGE, "s")}
"""Colour and marker of a verdict; both differ, for readers who see no colour."""
WIDTH, ROW_HEIGHT, NAME_LENGTH = 9.0, 0.24, 44


@dataclass(frozen=True)
class ForestRow:
    """One number of the plot."""

    label: str
    """What it is: an estimator or a policy."""
    value: float
    low: float
    high: float
    verdict: str = "ok"
    """ok, caution or not enough overlap."""
    group: str = ""
    """Heading under which it stands, such as the policy; rows of a group follow each other."""
    truth: float = math.nan
    """The known true value, NaN where there is none."""

    @property
    def refused(self) -> bool:
        """Whether the number must not be used."""
        return self.verdict not in STYLES or not math.isfinite(self.value)


def forest_figure(
    rows: Sequence[ForestRow],
    *,
    axis: str,
    reference: float = math.nan,
    reference_name: str = "",
    truth_name: str = "truth",
    slim: bool = False,
) -> Figure:
    """Return the plot.

    The axis is fitted to what may be used: the interval of a refused number is cut off at its ends and can never
    squeeze the others.

    Parameters
    ----------
    rows
        At least one, from top to bottom.
    axis
        What the numbers are, with their unit.
    reference
        Where a dashed line is drawn, such as what the log earned, or 0.
    truth_name
        What the diamonds at each row's `truth` are.
    slim
        Whether it is drawn for a telephone.
    """
    from matplotlib.figure import Figure

    with drawing():
        places, headings = _places(rows)
        bottom = max([*places, *(place for place, _ in headings)]) + 0.8
        figure = Figure(figsize=(SLIM if slim else WIDTH, 1.15 + ROW_HEIGHT * (bottom + 1)), layout="constrained")
        axes = figure.add_subplot()
        low, high = _limits(rows, reference)
        axes.set(xlim=(low, high), ylim=(bottom, -0.8), xlabel=axis)
        _decorate(axes, rows, places, headings, NAME_LENGTH // 2 if slim else NAME_LENGTH)
        if math.isfinite(reference):
            axes.axvline(reference, color=GREY, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
        decimals = decimals_for((row.high - row.low) / 2 for row in rows if not row.refused)
        for row, place in zip(rows, places, strict=True):
            _draw(axes, row, place, (low, high), decimals)
        _legend(figure, rows, reference_name if math.isfinite(reference) else "", truth_name, 2 if slim else 9)
    return figure


def _places(rows: Sequence[ForestRow]) -> tuple[list[float], list[tuple[float, str]]]:
    """Return the height of each row, and of each heading with its text."""
    places: list[float] = []
    headings: list[tuple[float, str]] = []
    height, group = 0.0, ""
    for row in rows:
        if row.group != group:
            height += 0.5 if places else 0.0
            headings.append((height, row.group))
            height, group = height + 1, row.group
        places.append(height)
        height += 1
    return places, headings


def _limits(rows: Sequence[ForestRow], reference: float) -> tuple[float, float]:
    shown = [end for row in rows if not row.refused for end in (row.value, row.low, row.high)]
    shown += [reference, *(row.truth for row in rows)]
    if not any(math.isfinite(row.value) and not row.refused for row in rows):
        shown += [row.value for row in rows]
    finite = [number for number in shown if math.isfinite(number)] or [0.0]
    room = 0.06 * (max(finite) - min(finite)) or max(abs(max(finite)) * 0.1, 1e-6)
    return min(finite) - room, max(finite) + room


def _decorate(
    axes: Any, rows: Sequence[ForestRow], places: list[float], headings: list[tuple[float, str]], length: int
) -> None:
    """Label the rows, in the order of heading and row."""
    axes.set_yticks(places, [shorten(row.label, length) for row in rows])
    axes.tick_params(axis="y", length=0, colors=INK)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    for place, text in headings:
        axes.axhspan(place - 0.5, place + 0.5, color="#f4f5f7", linewidth=0, zorder=1.5)
        axes.text(
            0.006,
            place,
            shorten(text, 2 * length),
            transform=axes.get_yaxis_transform(),
            va="center",
            weight="bold",
        )


def _draw(axes: Any, row: ForestRow, place: float, limits: tuple[float, float], decimals: int) -> None:
    if row.refused:
        _draw_refused(axes, row, place, limits)
        note, colour = REFUSED if row.verdict == REFUSED else "no number", GREY
    else:
        colour, marker = STYLES[row.verdict]
        if math.isfinite(row.low) and math.isfinite(row.high):
            axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(row.value, place, marker, color=colour, markersize=6, zorder=4)
        ends = f"  [{rounded(row.low, decimals)}, {rounded(row.high, decimals)}]"
        note, colour = rounded(row.value, decimals) + (ends if math.isfinite(row.high - row.low) else ""), INK
    if math.isfinite(row.truth):
        axes.plot(row.truth, place, "D", markersize=5, color="white", markeredgecolor=VERMILION, mew=1.6, zorder=5)
    axes.text(1.015, place, note, transform=axes.get_yaxis_transform(), va="center", color=colour, size=8.5)


def _draw_refused(axes: Any, row: ForestRow, place: float, limits: tuple[float, float]) -> None:
    """Draw a number that must not be used: a faint dotted line, cut off at the axis, and a hollow grey cross."""
    low, high = max(row.low, limits[0]), min(row.high, limits[1])
    if math.isfinite(row.value) and low < high:
        axes.plot([low, high], [place, place], color=PALE, linewidth=1.2, linestyle=(0, (1, 2)))
    if limits[0] <= row.value <= limits[1]:
        axes.plot(row.value, place, "x", color=PALE, markersize=5, zorder=3)


def _legend(figure: Figure, rows: Sequence[ForestRow], reference_name: str, truth_name: str, columns: int) -> None:
    from matplotlib.lines import Line2D

    verdicts = {row.verdict for row in rows if not row.refused}
    lines = [
        Line2D([], [], color=colour, marker=marker, linewidth=2, label=name)
        for name, (colour, marker) in STYLES.items()
        if name in verdicts
    ]
    if any(row.refused for row in rows):
        lines.append(Line2D([], [], color=PALE, marker="x", linestyle=":", label="refused: do not use"))
    if any(math.isfinite(row.truth) for row in rows):
        lines.append(Line2D([], [], marker="D", color="white", mec=VERMILION, ms=5, linewidth=0, label=truth_name))
    if reference_name:
        lines.append(Line2D([], [], color=GREY, linestyle=(0, (4, 3)), linewidth=1, label=reference_name))
    if len(lines) > 1:
        figure.legend(handles=lines, loc="outside upper left", ncols=min(columns, len(lines)))
