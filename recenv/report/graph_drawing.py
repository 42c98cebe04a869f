"""Picture of a causal graph: two steps beside each other, hidden variables dashed, mechanisms named on their edges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from recenv.report.graph_layout import (
    ACTION,
    HALF_HEIGHT,
    HALF_WIDTH,
    LETTER,
    NEXT_STEP,
    RESPONSE,
    STATE,
    bend,
    ends,
    label_places,
    place,
    role,
    split,
)
from recenv.report.palette import Palette, drawing_in, palette_for
from recenv.report.picture import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recenv.causal import CausalGraph

DASHED, DOTTED = (0, (3, 2)), (0, (1.2, 2.2))
CORNER = "round,pad=0,rounding_size=0.12"
SIZE = (13.2, 8.4)
"""Inches."""


def graph_figure(graph: CausalGraph, *, dark: bool = False) -> Figure:
    """Return a drawing of a causal graph (`world.graph`), for a light or a dark page."""
    from matplotlib.figure import Figure

    with drawing_in(palette_for(dark)):
        figure = Figure(figsize=SIZE)
        axes = figure.add_axes((0.0, 0.08, 1.0, 0.92))
        _draw(graph, axes, palette_for(dark))
        figure.legend(handles=_legend(graph, palette_for(dark)), loc="lower center", ncols=4)
    return figure


def draw_graph(graph: CausalGraph, target: str | Path | Any = None, *, dark: bool = False) -> Figure:
    """Draw a causal graph to a path or onto matplotlib axes, and return the figure; see `CausalGraph.draw`.

    Raises
    ------
    ValueError
        If the path's ending is not a format that matplotlib writes.
    """
    if target is None or isinstance(target, str | Path):
        figure = graph_figure(graph, dark=dark)
        if target is not None:
            save_figure(figure, Path(target))
        return figure
    with drawing_in(palette_for(dark)):
        _draw(graph, target, palette_for(dark))
        target.legend(handles=_legend(graph, palette_for(dark)), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4)
    drawn: Figure = target.figure
    return drawn


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all, in the format that the path's ending names."""
    from recenv.storage import atomic_file

    kinds = sorted(figure.canvas.get_supported_filetypes())
    if path.suffix[1:].lower() not in kinds:
        raise ValueError(f"cannot draw to {path.name!r}: end the name in one of {', '.join(kinds)}")
    with atomic_file(path) as waiting, drawing():
        figure.savefig(waiting, dpi=160, facecolor=figure.get_facecolor())


def _draw(graph: CausalGraph, axes: Any, palette: Palette) -> None:
    """Draw panels, edges, nodes and the mechanisms' names."""
    axes.set(xlim=(-0.85, NEXT_STEP + 7.05), ylim=(11.25, -1.1))
    axes.axis("off")
    _slices(axes, palette)
    touched = _touched(graph)
    dotted = [edge for edge in graph.off if {split(edge.cause)[0], split(edge.effect)[0]} <= touched]
    for edges, on in ((dotted, False), (graph.edges, True)):
        for edge in edges:
            _arrow(axes, edge.cause, edge.effect, _colour(edge.cause, edge.effect, on, palette), on=on)
    for node in graph.nodes:
        if split(node.name)[0] in touched:
            _box(axes, node.name, node.observed, node.name in graph.held, palette)
    shown = {(edge.cause, edge.effect): _last_name(edge.mechanism) for edge in (*graph.edges, *dotted)}
    off = {(edge.cause, edge.effect) for edge in dotted}
    for edge, (x, y) in label_places(shown).items():
        colour = palette.grey if edge in off else _colour(*edge, True, palette)
        _label(axes, x, y, shown[edge], colour, palette)


def _touched(graph: CausalGraph) -> set[str]:
    """Return the variables with a cause or an effect: others, of mechanisms that are off, would only be in the way."""
    return {split(name)[0] for edge in graph.edges for name in (edge.cause, edge.effect)}


def _last_name(mechanism: str) -> str:
    """Return what a mechanism is called on its edge: of several that must all be on, the one that differs."""
    return mechanism.split(" & ")[-1].replace("_", " ")


def _slices(axes: Any, palette: Palette) -> None:
    from matplotlib.patches import FancyBboxPatch

    for step, name in enumerate(("first step of a session", "second step, of users who stayed")):
        left = -0.65 + NEXT_STEP * step
        panel = FancyBboxPatch((left, -0.55), 7.6, 11.6, boxstyle=CORNER, fc=palette.panel, ec=palette.grid, zorder=0)
        axes.add_patch(panel)
        axes.text(left + 0.05, -0.8, name, weight="bold", color=palette.grey, va="center")


def _box(axes: Any, name: str, observed: bool, held: bool, palette: Palette) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = place(name)
    box = FancyBboxPatch(
        (x - HALF_WIDTH, y - HALF_HEIGHT),
        2 * HALF_WIDTH,
        2 * HALF_HEIGHT,
        boxstyle=CORNER,
        facecolor=palette.pale if held else _fills(palette)[role(name)],
        edgecolor=palette.ink if observed else palette.grey,
        linestyle="-" if observed else DASHED,
        linewidth=1.1,
        zorder=3,
    )
    axes.add_patch(box)
    axes.text(x, y, split(name)[0], ha="center", va="center", size=8.5, color=palette.ink, zorder=4)


def _arrow(axes: Any, cause: str, effect: str, colour: str, *, on: bool) -> None:
    from matplotlib.patches import FancyArrowPatch

    start, end = ends(cause, effect)
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=9,
        shrinkA=0,
        connectionstyle=f"arc3,rad={bend(cause, effect)}",
        shrinkB=1,
        color=colour,
        linestyle="-" if on else DOTTED,
        linewidth=1.0,
        zorder=2,
    )
    axes.add_patch(arrow)


def _label(axes: Any, x: float, y: float, text: str, colour: str, palette: Palette) -> None:
    around = {"boxstyle": "round,pad=0.12", "facecolor": palette.panel, "edgecolor": "none", "alpha": 0.92}
    axes.text(x, y, text, size=LETTER, style="italic", color=colour, ha="center", va="center", bbox=around, zorder=2.5)


def _colour(cause: str, effect: str, on: bool, palette: Palette) -> str:
    if not on:
        return palette.pale
    return palette.ink if split(cause)[1] == split(effect)[1] else palette.first


def _fills(palette: Palette) -> dict[str, str]:
    return {STATE: palette.state, ACTION: palette.action, RESPONSE: palette.response}


def _legend(graph: CausalGraph, palette: Palette) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = [
        Patch(facecolor=fill, edgecolor=palette.ink, label=name) for name, fill in _fills(palette).items()
    ]
    entries += [
        Patch(facecolor=palette.panel, edgecolor=palette.grey, linestyle=DASHED, label="hidden from a real system"),
        Line2D([], [], color=palette.ink, linewidth=1.2, label="cause within a step (its mechanism)"),
        Line2D([], [], color=palette.first, linewidth=1.2, label="cause across steps"),
    ]
    if graph.off:
        entries.append(Line2D([], [], color=palette.pale, linestyle=DOTTED, linewidth=1.5, label="switched off"))
    if graph.held:
        entries.append(Patch(facecolor=palette.pale, edgecolor=palette.grey, linestyle=DASHED, label="held by do()"))
    return entries
