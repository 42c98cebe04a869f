"""Picture of a causal graph: two steps beside each other, hidden variables dashed, switched-off edges dotted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recenv.report.graph_layout import (
    ACTION,
    HALF_HEIGHT,
    HALF_WIDTH,
    NEXT_STEP,
    RESPONSE,
    STATE,
    bend,
    ends,
    place,
    role,
    split,
)
from recenv.report.picture import BLUE, GREY, INK, PALE, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recenv.causal import CausalGraph

FILL = {STATE: "#dcecf8", ACTION: "#fde3c8", RESPONSE: "#dff1e7"}
DASHED, DOTTED = (0, (3, 2)), (0, (1.2, 2.2))
CORNER = "round,pad=0,rounding_size=0.12"


def graph_figure(graph: CausalGraph) -> Figure:
    """Return a drawing of a causal graph (`world.graph`)."""
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(12.5, 7.6))
        axes = figure.add_axes((0.0, 0.08, 1.0, 0.92))
        axes.set(xlim=(-0.85, NEXT_STEP + 7.05), ylim=(11.25, -1.1))
        axes.axis("off")
        _slices(axes)
        for edge in graph.off:
            _arrow(axes, edge.cause, edge.effect, on=False)
        for edge in graph.edges:
            _arrow(axes, edge.cause, edge.effect, on=True)
        for node in graph.nodes:
            _box(axes, node.name, node.observed)
        _legend(figure, any_off=bool(graph.off))
    return figure


def _slices(axes: Any) -> None:
    from matplotlib.patches import FancyBboxPatch

    for step, name in enumerate(("one step", "the next step")):
        left = -0.65 + NEXT_STEP * step
        panel = FancyBboxPatch((left, -0.55), 7.6, 11.6, boxstyle=CORNER, fc="#fafbfc", ec="#e6e9ed", zorder=0)
        axes.add_patch(panel)
        axes.text(left + 0.05, -0.8, name, weight="bold", color=GREY, va="center")


def _box(axes: Any, name: str, observed: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = place(name)
    box = FancyBboxPatch(
        (x - HALF_WIDTH, y - HALF_HEIGHT),
        2 * HALF_WIDTH,
        2 * HALF_HEIGHT,
        boxstyle=CORNER,
        facecolor=FILL[role(name)],
        edgecolor=INK if observed else GREY,
        linestyle="-" if observed else DASHED,
        linewidth=1.1,
        zorder=3,
    )
    axes.add_patch(box)
    axes.text(x, y, split(name)[0], ha="center", va="center", size=8.5, zorder=4)


def _arrow(axes: Any, cause: str, effect: str, *, on: bool) -> None:
    from matplotlib.patches import FancyArrowPatch

    start, end = ends(cause, effect)
    onward = split(cause)[1] != split(effect)[1]
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=9,
        shrinkA=0,
        connectionstyle=f"arc3,rad={bend(cause, effect)}",
        shrinkB=1,
        color=PALE if not on else BLUE if onward else INK,
        linestyle="-" if on else DOTTED,
        linewidth=1.0,
        alpha=0.8 if onward and on else 1.0,
        zorder=2,
    )
    axes.add_patch(arrow)


def _legend(figure: Figure, *, any_off: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = [Patch(facecolor=FILL[name], edgecolor=INK, label=name) for name in FILL]
    entries += [
        Patch(facecolor="white", edgecolor=GREY, linestyle=DASHED, label="hidden from a real system"),
        Line2D([], [], color=INK, linewidth=1.2, label="cause within a step"),
        Line2D([], [], color=BLUE, linewidth=1.2, label="cause across steps"),
    ]
    if any_off:
        entries.append(Line2D([], [], color=PALE, linestyle=DOTTED, linewidth=1.5, label="switched off"))
    figure.legend(handles=entries, loc="lower center", ncols=4)
