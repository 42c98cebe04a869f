"""Colours of a picture on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from recenv.report.picture import BLUE, GREY, GRID, INK, PALE, VERMILION, drawing


class Palette(NamedTuple):
    """What each colour is for; series differ in lightness too, so that they are told apart without colour."""

    paper: str
    ink: str
    grey: str
    pale: str
    grid: str
    panel: str
    """Background of a group."""
    first: str
    """What the world does."""
    second: str
    """References."""
    logged: str
    """What the log has."""
    state: str
    """Fills of the causal graph's nodes, as the next two."""
    action: str
    response: str


LIGHT = Palette(
    "#ffffff", INK, GREY, PALE, GRID, "#fafbfc", BLUE, VERMILION, "#9aa1ad", "#dcecf8", "#fde3c8", "#dff1e7"
)
DARK = Palette(
    "#14171b", "#e8eaed", "#a3abb8", "#5d6673", "#2c3239", "#191d22", "#5eb3e8", "#ff9a57", "#7d8694", "#1d3a52",
    "#5a3a17", "#1c4332",
)  # fmt: skip


def palette_for(dark: bool) -> Palette:
    """Return the palette of a page."""
    return DARK if dark else LIGHT


@contextmanager
def drawing_in(palette: Palette) -> Iterator[None]:
    """Draw in the report's style and these colours, and put the user's settings back."""
    from matplotlib import style

    with drawing(), style.context(_settings(palette)):
        yield


def _settings(palette: Palette) -> dict[str, Any]:
    """Return matplotlib's settings for figures in these colours."""
    return {
        "figure.facecolor": palette.paper,
        "axes.facecolor": palette.paper,
        "savefig.facecolor": palette.paper,
        "text.color": palette.ink,
        "axes.edgecolor": palette.pale,
        "axes.labelcolor": palette.ink,
        "axes.titlecolor": palette.ink,
        "grid.color": palette.grid,
        "xtick.color": palette.grey,
        "ytick.color": palette.grey,
    }
