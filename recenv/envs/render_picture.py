"""A scene as a picture: `render_mode="rgb_array"`."""

from __future__ import annotations

import textwrap
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.envs.render_scene import Scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 960, 640, 100
"""Pixels of a frame (both even, as video encoders want them), and pixels an inch."""
ROWS = 8
"""Items listed in the history and in the slate."""
CAUSES = 6
"""Causes drawn of each utility."""
INK, FAINT, GOOD, BAD, TRACK = "#222222", "#777777", "#2a7f62", "#b5483a", "#e4e4e4"


def picture(scene: Scene) -> NDArray[np.uint8]:
    """Return the scene as (640, 960, 3) uint8, without touching pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    _write(figure, 0.02, 0.955, scene.heading, size=13, weight="bold")
    likes = f"  Liked topics: {', '.join(scene.likes)}." if scene.likes else ""
    _write(figure, 0.02, 0.912, _short(scene.outcome + likes, 120), color=FAINT)
    _history(figure, scene)
    _slate(figure, scene)
    _why(figure, scene)
    with warnings.catch_warnings():
        # A title in a script that the font lacks is drawn as boxes; it must not stop a recording.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _history(figure: Figure, scene: Scene) -> None:
    last = scene.history[-ROWS:]
    more = f", the last {ROWS} of {len(scene.history)}" if len(scene.history) > ROWS else ""
    _write(figure, 0.02, 0.85, f"History{more}", weight="bold")
    for row, (title, felt) in enumerate(last):
        y = 0.81 - 0.043 * row
        _bar(figure, 0.02, y, 0.05, felt)
        _write(figure, 0.08, y, _short(title, 36), size=9)


def _slate(figure: Figure, scene: Scene) -> None:
    _write(figure, 0.42, 0.85, "Shown now: position, title, response, rating", weight="bold")
    for row, shown in enumerate(scene.slate[:ROWS]):
        y = 0.81 - 0.043 * row
        _write(figure, 0.42, y, f"{row + 1}", size=9, color=FAINT)
        _write(figure, 0.45, y, _short(shown.title, 36), size=9)
        _write(figure, 0.7, y, shown.response, size=9, color=GOOD if shown.liked else INK)
        if shown.felt == shown.felt:
            _bar(figure, 0.935, y, 0.05, shown.felt)
    if len(scene.slate) > ROWS:
        _write(figure, 0.45, 0.81 - 0.043 * ROWS, f"and {len(scene.slate) - ROWS} more positions", size=9, color=FAINT)


def _why(figure: Figure, scene: Scene) -> None:
    """Draw the causes of the focus's attraction and satisfaction as bars to both sides of 0."""
    if not scene.causes:
        return
    title = _short(scene.slate[scene.focus].title, 60)
    _write(figure, 0.02, 0.405, f"Why, for {title} (units of the noise)", weight="bold")
    reach = max([abs(share) for _, causes in scene.causes for _, share in causes[:CAUSES]], default=1.0)
    for place, (utility, causes) in enumerate(scene.causes):
        axes = figure.add_axes((0.2 + 0.5 * place, 0.08, 0.27, 0.25))
        total = sum(share for _, share in causes)
        _bars(axes, causes[:CAUSES], reach)
        axes.set_title(f"{utility} {total:+.2f}", fontsize=10, color=INK, loc="left")


def _bars(axes: Any, causes: tuple[tuple[str, float], ...], reach: float) -> None:
    rows = range(len(causes))
    axes.barh(rows, [share for _, share in causes], color=[GOOD if share > 0 else BAD for _, share in causes])
    labels = [textwrap.fill(cause, 26) for cause, _ in causes]
    axes.set_yticks(rows, labels, fontsize=7.5, color=INK)
    axes.set_ylim(CAUSES - 0.5, -0.5)
    axes.set_xlim(-1.05 * reach, 1.05 * reach)
    axes.axvline(0.0, color=FAINT, linewidth=0.8)
    axes.tick_params(length=0, labelsize=7.5)
    axes.spines[:].set_visible(False)


def _write(figure: Figure, x: float, y: float, text: str, *, size: float = 10, **style: Any) -> None:
    # A title may hold dollar signs, which are no mathematics here.
    figure.text(x, y, text, fontsize=size, parse_math=False, va="center", **{"color": INK, **style})


def _bar(figure: Figure, x: float, y: float, width: float, share: float) -> None:
    from matplotlib.patches import Rectangle

    for length, color in ((1.0, TRACK), (share, GOOD)):
        figure.add_artist(Rectangle((x, y - 0.009), width * length, 0.018, color=color, linewidth=0))


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3].rstrip() + "..."
